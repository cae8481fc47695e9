"""
Made-up libraries for benches: rows without files, with everything that pages, filters and searches ask for; and files
without rows or content, for scans.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from deployments.backlogs import backlogs
from deployments.settings import Settings
from flows.admin.libraries import register_library
from flows.engine.context import FlowContext
from flows.scanning.scan_library import ScanReport, find_changes
from sql.lake import Lake, utc_now

TAGS = {1: ("summer", 2), 2: ("winter", 4), 3: ("family", 100), 4: ("comet", 10_000), 5: ("wedding", 1_000)}
_CONTENT_HASH = "md5(i::varchar) || md5((i + 1)::varchar)"


def fill(lake: Lake, assets: int, root: Path) -> None:
    """*assets* photos and videos with hashes, metadata and thumbnails, over 25 years and 1,200 folders."""
    numbers = f"from range(1, {assets + 1}) numbers(i)"
    file = "format('{}/{:02}-{}/IMG_{:07}.jpg', 2000 + i % 25, 1 + i % 12, i % 4, i)"
    taken_at = "timestamp '2000-01-01' + to_seconds((hash(i) % 788400000)::bigint)"
    with lake.write("made up") as writer:
        writer.append("library", [{"library_id": 1, "name": "photos", "root_path": str(root)}])
        writer.execute(f"""insert into asset by name select i as asset_id, 1 as library_id, {file} as rel_path,
            if(i % 20 = 0, 'video', 'photo') as media_type, 'image/jpeg' as mime_type, 3000000 + i as size_bytes,
            1500000000000000000 + i as mtime_ns, '' as sidecar, '' as sidecar_version {numbers}""")
        writer.execute(f"""insert into fingerprint by name select i as asset_id, 3000000 + i as size_bytes,
            1500000000000000000 + i as mtime_ns, {_CONTENT_HASH} as content_hash {numbers}""")
        writer.execute(f"""insert into metadata by name select i as asset_id, {_CONTENT_HASH} as content_hash,
            4000 as width, 3000 as height, {taken_at} as taken_at, 'Canon' as camera_make,
            ['EOS 6D', 'EOS R5', 'D90'][1 + i % 3] as camera_model, 'EF 24-70mm' as lens_model,
            if(i % 3 = 0, (hash(i) % 180)::double - 90, null) as latitude,
            if(i % 3 = 0, (hash(i + 7) % 360)::double - 180, null) as longitude {numbers}""")
        writer.execute(f"""insert into derivative by name select i as asset_id, {_CONTENT_HASH} as content_hash,
            'thumbnail' as kind, {file} as file,
            from_hex(substr(md5(i::varchar) || md5(i::varchar), 1, 50)) as thumbhash {numbers}""")


def describe(lake: Lake, assets: int) -> None:
    """Titles, places, tags (TAGS: name, and one in how many photos has it) and perceptual hashes."""
    with lake.write("made up") as writer:
        writer.execute("""update metadata set
            title = ['Ladybug in the garden', 'Crème brûlée', 'Birthday of Ada'][1 + asset_id % 3]
            where asset_id % 10 = 0""")
        writer.execute("""insert into photo_place by name select
            content_hash, latitude, longitude, 'CH' as country_code,
            ['Switzerland', 'Italy', 'Iceland'][1 + asset_id % 3] as country,
            'Region ' || asset_id % 40 as region,
            'City ' || asset_id % 3000 as city, 'offline' as source, 'bench' as recipe
            from metadata where latitude is not null""")
        for tag_id, (name, one_in) in TAGS.items():
            writer.append("tag", [{"tag_id": tag_id, "name": name, "created_at": utc_now()}])
            writer.execute(f"""insert into photo_tag by name select content_hash, {tag_id}::integer as tag_id
                from fingerprint where hash(asset_id, {tag_id}) % {one_in} = 0""")
        writer.execute(f"""insert into perceptual_hash by name select {_CONTENT_HASH} as content_hash,
            hash(i // 2) as phash, hash(i // 2 + 1) as dhash, 'bench' as recipe, timestamp '2020-01-01' as recorded_at
            from range(1, {assets + 1}) numbers(i)""")


FILES_A_FOLDER = 100
# What drains would have made of every file; {…} are the recipes in force, so that no backlog has a row.
_COUNT_AS_READ = """
insert into fingerprint by name
    select asset_id, size_bytes, mtime_ns, md5(asset_id::varchar) || md5(rel_path) as content_hash from asset;
insert into metadata by name
    select asset_id, content_hash, '' as sidecar_version, '{metadata}' as recipe from fingerprint;
insert into derivative by name
    select asset_id, content_hash, 'thumbnail' as kind, rel_path as file, '{thumbnails}' as recipe
    from fingerprint join asset using (asset_id);
insert into perceptual_hash by name
    select content_hash, 0::ubigint as phash, 0::ubigint as dhash, '{perceptual_hashes}' as recipe from fingerprint;
insert into face_scan by name
    select content_hash, 'no_faces' as status, '{face_regions}' as model_version, '' as sidecar_version
    from fingerprint;
"""


def make_tree(root: Path, files: int) -> None:
    """Empty files in folders of a hundred, dated yesterday: a scan of known ones never opens them."""
    yesterday = time.time() - 86_400
    for number in range(0, files, FILES_A_FOLDER):
        folder = root / f"{number // 100_000:03d}" / f"{number // FILES_A_FOLDER:06d}"
        folder.mkdir(parents=True)
        for name in range(min(FILES_A_FOLDER, files - number)):
            path = folder / f"IMG_{number + name:07d}.jpg"
            path.touch()
            os.utime(path, (yesterday, yesterday))
        os.utime(folder, (yesterday, yesterday))
    for folder in [root, *root.iterdir()]:
        os.utime(folder, (yesterday, yesterday))


def register_as_read(home: Path, root: Path) -> None:
    """Record the files below *root* as a scan would have, all of them read, so that nothing is left to do."""
    settings = Settings(darkroom_home=home, _env_file=None)  # type: ignore[call-arg]
    with Lake(settings.catalog_url, settings.data_path) as lake:
        lake.migrate()
        flow_context = FlowContext(settings, lake)
        name = register_library(lake, root)
        find_changes(flow_context, flow_context.libraries(name)[0], ScanReport(name, ""), full=True, accept_loss=False)
        recipes = {name: asked.get("recipe", "") for name, asked in backlogs(lake, settings).items()}
        with lake.write() as writer:
            for text in _COUNT_AS_READ.format(**recipes).split(";\n")[:-1]:
                writer.execute(text)
