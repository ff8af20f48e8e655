"""What any job needs: errors, whole and sealed files, progress, signals, provenance.

Imports nothing of the package.
"""
