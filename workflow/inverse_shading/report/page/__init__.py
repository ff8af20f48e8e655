"""results/report.html: one page that needs nothing but a browser."""
