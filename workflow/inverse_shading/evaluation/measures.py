"""Names of the measures of how much alike two images are; `image_difference` computes them."""

MEASURES = ("rms", "psnr", "ssim", "flip")
