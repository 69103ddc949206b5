"""Conversion of colours to sRGB."""

import io

from PIL import Image, ImageCms


def convert_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an RGB image, in place, from an ICC profile to sRGB.

    The image stays as it is without a profile, and with a profile that is broken or of other
    colours than RGB.
    """
    if not profile:
        return image
    try:
        ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            inPlace=True,
        )
    except (ImageCms.PyCMSError, OSError):  # broken metadata do not affect the pixels
        return image
    return image
