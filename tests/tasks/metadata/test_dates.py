"""Dates in every spelling, and the one rule that picks."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath

import pytest

from tasks.metadata.dates import (
    RANKS,
    as_sidecar,
    choose,
    local_candidate,
    parse_date,
    parse_offset,
    to_local,
    to_utc,
    utc_candidate,
    with_zone,
)
from tasks.metadata.fields import DateCandidate
from tasks.metadata.file_name_dates import file_name_candidate


def candidate(text: str, kind: str, offset: str | None = None) -> DateCandidate:
    found = local_candidate(f"EXIF:{kind}", text, kind, offset=offset)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "local", "offset"),
    [
        ("2019:07:04 15:30:12", datetime(2019, 7, 4, 15, 30, 12), None),
        ("2019-07-04T15:30:12.25+02:00", datetime(2019, 7, 4, 15, 30, 12, 250_000), "+02:00"),
        ("2019:05:04 07:00+02:00", datetime(2019, 5, 4, 7, 0), "+02:00"),
        ("2019:04:24 22:24:00+02:00 DST", datetime(2019, 4, 24, 22, 24), "+02:00"),
        ("2021:02:24 12:48:02Z", datetime(2021, 2, 24, 12, 48, 2), "+00:00"),
        ("2004: 6: 9 16: 2:35", datetime(2004, 6, 9, 16, 2, 35), None),
        ("1919:05:04 05:59:26", datetime(1919, 5, 4, 5, 59, 26), None),
        ("2013:03:05", datetime(2013, 3, 5), None),
        ("2020-01-01T17:28:25.729626112", datetime(2020, 1, 1, 17, 28, 25, 729_626), None),
    ],
)
def test_dates_are_read_in_every_spelling_cameras_use(text: str, local: datetime, offset: str | None) -> None:
    parsed = parse_date(text)
    assert parsed is not None
    assert (parsed.local, parsed.offset) == (local, offset)


@pytest.mark.parametrize(
    "text",
    ["0000:00:00 00:00:00", "42603:01:01 00:00:00", "2023:02:30 10:00:00", "2023:01:01 25:61:00", "yesterday", "",
     "2023:13:01 00:00:00", "2023:01:01 00:00:61", "    :  :     :  :  ", "٢٠٢٣:01:01 00:00:00", "9" * 10_000],
)  # fmt: skip
def test_a_date_that_cannot_be_is_none_and_no_crash(text: str) -> None:
    assert parse_date(text) is None


def test_an_unreadable_date_stays_a_candidate_that_decides_nothing() -> None:
    broken = candidate("42603:01:01 00:00:00", "DateTimeOriginal")
    good = candidate("2019:07:04 15:30:12", "CreateDate")
    assert (broken.local, broken.utc) == (None, None)
    assert choose(with_zone([broken, good], None)).source == "EXIF:CreateDate"


def test_blank_dates_are_no_candidates_at_all() -> None:
    assert local_candidate("EXIF:DateTimeOriginal", "    :  :     :  :  ", "DateTimeOriginal") is None
    assert local_candidate("EXIF:DateTimeOriginal", b"\0\0\0", "DateTimeOriginal") is None


@pytest.mark.parametrize("text", ["   :  ", "+25:00", "02:00", "+02:99", "\0"])
def test_offsets_that_are_none_are_dropped(text: str) -> None:
    assert parse_offset(text) is None


def test_the_shutter_beats_every_other_date_and_mtime_comes_last() -> None:
    order = sorted(RANKS, key=RANKS.__getitem__)
    assert order[0] == "DateTimeOriginal"
    assert order.index("CreateDate") < order.index("XmpDateCreated") < order.index("GPSDateTime")
    assert order[-1] == "mtime"
    assert order.index("GPSDateTime") < order.index("filename") < order.index("mtime")


def test_a_sidecar_wins_over_the_file() -> None:
    written = as_sidecar(candidate("2001:01:01 01:01:01", "XmpDateTimeOriginal"))
    shot = candidate("2019:07:04 15:30:12", "DateTimeOriginal")
    assert choose(with_zone([shot, written], None)).taken_at == datetime(2001, 1, 1, 1, 1, 1)


def test_a_sidecar_that_agrees_to_the_second_does_not_cost_the_fraction_or_the_zone() -> None:
    written = as_sidecar(candidate("2019:07:04 15:30:12", "XmpDateTimeOriginal"))
    shot = local_candidate("EXIF:DateTimeOriginal", "2019:07:04 15:30:12", "DateTimeOriginal",
                           offset="+02:00", subsecond="25")  # fmt: skip
    assert shot is not None
    chosen = choose(with_zone([written, shot], None))
    assert chosen.taken_at == datetime(2019, 7, 4, 15, 30, 12, 250_000)
    assert chosen.time_zone == "+02:00"


def test_adobes_misread_fraction_in_a_sidecar_is_not_taken_for_precision() -> None:
    sidecar = [candidate("2019:07:04 15:30:12", "XmpDateTimeOriginal"),
               candidate("2019:07:04 15:30:12.025", "XmpDateCreated")]  # fmt: skip
    shot = local_candidate("EXIF:DateTimeOriginal", "2019:07:04 15:30:12", "DateTimeOriginal", subsecond="25")
    assert shot is not None
    chosen = choose(with_zone([shot, *map(as_sidecar, sidecar)], None))
    assert chosen.taken_at == datetime(2019, 7, 4, 15, 30, 12, 250_000)


def test_the_positions_zone_completes_wall_time_and_utc_alike() -> None:
    shot = candidate("2023:06:07 13:45:55", "DateTimeOriginal")
    filmed = utc_candidate("QuickTime:CreateDate", "2022:07:24 21:10:56", "MovieDate")
    assert filmed is not None
    assert choose(with_zone([shot], "Europe/London")).taken_at_utc == datetime(2023, 6, 7, 12, 45, 55)
    assert choose(with_zone([filmed], "Europe/Paris")).taken_at == datetime(2022, 7, 24, 23, 10, 56)


def test_an_offset_written_by_the_camera_beats_the_positions_zone() -> None:
    shot = candidate("2023:06:07 13:45:55", "DateTimeOriginal", offset="-05:00")
    assert choose(with_zone([shot], "Europe/London")).time_zone == "-05:00"


@pytest.mark.parametrize("text", ["1904:01:01 00:00:00", "1970:01:01 00:00:00", "0000:00:00 00:00:00"])
def test_a_movie_clock_that_was_never_set_is_no_date(text: str) -> None:
    found = utc_candidate("QuickTime:CreateDate", text, "MovieDate")
    assert found is not None
    assert found.utc is None


def test_a_zone_nobody_knows_and_the_ends_of_time_do_not_crash() -> None:
    assert to_utc(datetime(2020, 1, 1), "Mars/Olympus_Mons") is None
    assert to_utc(datetime(1, 1, 1), "+10:00") is None
    assert to_local(datetime(9999, 12, 31, 23), "+10:00") is None
    assert to_local(datetime(9999, 12, 31, 23), "Pacific/Auckland") is None


def test_a_day_without_a_time_is_believed_after_any_time() -> None:
    day = candidate("2013:03:05", "DateTimeOriginal")
    digitized = candidate("2013:03:06 10:00:00", "CreateDate")
    assert choose(with_zone([day, digitized], None)).source == "EXIF:CreateDate"


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("IMG-20190704-WA0001.jpg", datetime(2019, 7, 4)),
        ("20190704_153012.jpg", datetime(2019, 7, 4, 15, 30, 12)),
        ("IMG_20180901_102030.jpg", datetime(2018, 9, 1, 10, 20, 30)),
        ("IMG_20180901_102030_001.jpg", datetime(2018, 9, 1, 10, 20, 30)),
        ("IMG_20180901_102030123_HDR.jpg", datetime(2018, 9, 1, 10, 20, 30, 123_000)),
        ("MVIMG_20180901_102030.jpg", datetime(2018, 9, 1, 10, 20, 30)),
        ("VID_20180901_102030.mp4", datetime(2018, 9, 1, 10, 20, 30)),
        ("DSC_20190704_153012.JPG", datetime(2019, 7, 4, 15, 30, 12)),
        ("Screenshot 2019-05-21 at 10.45.52.png", datetime(2019, 5, 21, 10, 45, 52)),
        ("Screen Shot 2019-05-21 at 1.45.52 PM.png", datetime(2019, 5, 21, 13, 45, 52)),
        ("Screen Shot 2019-05-21 at 12.05.52 AM.png", datetime(2019, 5, 21, 0, 5, 52)),
        ("Screenshot_20190521-104552.png", datetime(2019, 5, 21, 10, 45, 52)),
        ("telegram_2020-01-30_09-57-18.jpg", datetime(2020, 1, 30, 9, 57, 18)),
        ("2019-07-04 15.30.12.jpg", datetime(2019, 7, 4, 15, 30, 12)),
        ("signal-2021-03-04-153012.jpg", datetime(2021, 3, 4, 15, 30, 12)),
        ("signal-2021-03-04-15-30-12-123.jpg", datetime(2021, 3, 4, 15, 30, 12, 123_000)),
        ("WhatsApp Image 2019-07-04 at 15.30.12.jpeg", datetime(2019, 7, 4, 15, 30, 12)),
        ("20190704153012.jpg", datetime(2019, 7, 4, 15, 30, 12)),
    ],
)
def test_file_names_of_phones_and_messengers_hold_a_date(name: str, local: datetime) -> None:
    found = file_name_candidate(PurePath("2001/05", name))
    assert found is not None
    assert found.local == local


def test_pixel_names_are_utc() -> None:
    found = file_name_candidate(PurePath("PXL_20210605_120322123.MP.jpg"))
    assert found is not None
    assert (found.local, found.utc) == (None, datetime(2021, 6, 5, 12, 3, 22, 123_000))


@pytest.mark.parametrize(
    "name",
    ["IMG_4120.JPG", "P003908.KDC", "GOPR8513.GPR", "IMG_20191301_101010.jpg", "1234567820190704.jpg",
     "bomb_50000x50000.png", "2019.jpg", "07-2019.jpg", "DSC01234.ARW"],
)  # fmt: skip
def test_serial_numbers_and_impossible_months_are_no_dates(name: str) -> None:
    assert file_name_candidate(PurePath("2019/07/04", name)) is None


def test_an_impossible_day_in_a_name_is_kept_as_text_only() -> None:
    found = file_name_candidate(PurePath("20190230_101010.jpg"))
    assert found is not None
    assert (found.text, found.local) == ("20190230_101010", None)
