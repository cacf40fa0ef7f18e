"""Pictures of a brand, made from its name, its colors and one logo: site icons, app icons, the card of shared links.

Pure but for reading fonts. Pillow is loaded at the first picture only, and only here.
"""

from copydesk.web.pictures.look import Look, initials
from copydesk.web.pictures.monogram import monogram_svg
from copydesk.web.pictures.painter import CARD_SIZE, card_png, icon_ico, icon_png
from copydesk.web.pictures.plate import logo_plate

__all__ = ["CARD_SIZE", "Look", "card_png", "icon_ico", "icon_png", "initials", "logo_plate", "monogram_svg"]
