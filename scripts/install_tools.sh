#!/bin/sh
# Installs what some tests need beside Python packages (Chromium, PostgreSQL, bubblewrap, strace, faketime), where that is
# possible without asking anybody.
set -eu
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v strace >/dev/null 2>&1 || missing="$missing strace"
command -v faketime >/dev/null 2>&1 || missing="$missing faketime"
command -v git >/dev/null 2>&1 || missing="$missing git"
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null && exit 0
fi
echo "not installed:$missing; tests that need it are skipped. To run them: sudo apt-get install -y$missing" >&2
