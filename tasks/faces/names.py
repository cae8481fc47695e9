"""Does a tag name a person? Tags are places, things and events as well; a guess puts the likely ones first."""

from __future__ import annotations

import re
import unicodedata

MAX_WORDS = 2
# Single capitalised words that are tags of photos far more often than first names.
_TAGS = """
    abstract adventure airport alps animal animals anniversary april architecture art august autumn baby balcony
    ball band bar bath beach bedroom bicycle bike bird birds birthday blue boat boats bridge building buildings
    bus cabin cake camera camp camping canada car cars castle cat cats celebration ceremony children china
    christmas church city class clouds coast coffee color colour concert conference cottage country countryside
    cousins dance dawn december desert diner dinner documents dog dogs dusk easter europe evening event events
    exhibition face faces family farm fashion favorite favorites favourite favourites february festival film
    fire fireworks fish flight flower flowers fog food football forest france friday friends fruit fun funny
    game games garden germany graduation grandparents grass green group halloween harbour hiking hill history
    hobby holiday holidays home honeymoon horse hospital hotel house ice india indoor insect instagram island
    italy january japan july june kids kitchen lake landscape leaf leaves library light london lunch macro march
    market may me meeting memories mexico monday monument moon morning mountain mountains movie museum music
    nature new night november object ocean october office old outdoor outdoors panorama parents paris park party
    people person pet pets phone photo photos picnic picture pictures plane plant plants pool portrait portraits
    private project rain receipt red restaurant river road rock roof room saturday scan scans school screenshot
    screenshots sculpture sea selfie september sky snow spain sport sports spring square stars statue station
    stone storm street summer sun sunday sunrise sunset swimming team temple texture thanksgiving theatre
    thursday tokyo tower town toys track trail train travel tree trees trip tuesday university unknown untitled
    usa vacation valley video videos view village volcano wall wallpaper water waterfall wedding wednesday
    weekend white wildlife window winter wood work yellow zoo
"""
NO_PERSON = frozenset(_TAGS.split())
_NAME = re.compile(r"[^\W\d_]+(?:['\u2019.\-][^\W\d_]+)*\.?", re.UNICODE)


def looks_like_person(name: str) -> bool:
    """One or two words, each with a capital first letter, without digits; a single word is no common tag."""
    words = unicodedata.normalize("NFC", name).split()
    if not 1 <= len(words) <= MAX_WORDS or not all(_is_name(word) for word in words):
        return False
    return len(words) > 1 or words[0].casefold() not in NO_PERSON


def normalized_name(name: str) -> str:
    """Equal for spellings of one name."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def _is_name(word: str) -> bool:
    """Writing without capitals (日本, عربي) has no lower case to be wrong in."""
    return bool(_NAME.fullmatch(word)) and not word[0].islower()
