#!/bin/sh
# Makes sure that ffmpeg and exiftool are there. As root, or with brew, it installs them and asks nothing; otherwise it
# says what to install and goes on: without them videos and some RAW files get no thumbnail, everything else works.
set -eu

missing=""
command -v ffmpeg >/dev/null 2>&1 || missing="ffmpeg"
command -v exiftool >/dev/null 2>&1 || missing="$missing exiftool"
[ -n "$missing" ] || exit 0

if command -v brew >/dev/null 2>&1; then
    # shellcheck disable=SC2086  # a list of names
    brew install $missing
elif command -v apt-get >/dev/null 2>&1; then
    packages=$(echo "$missing" | sed 's/exiftool/libimage-exiftool-perl/')
    if [ "$(id -u)" -eq 0 ]; then
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086
        apt-get install -y -qq --no-install-recommends $packages </dev/null >/dev/null ||
            { apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends $packages </dev/null >/dev/null; }
    else
        echo "Not installed:$missing. Videos and some RAW files need them: sudo apt-get install$packages" | sed 's/  */ /g' >&2
    fi
else
    echo "Not installed: $missing. Videos and some RAW files need them; install them with your package manager." >&2
fi
