#!/bin/sh
# For a build server: all workflows of a repository are checked and are in their canonical form; on the main branch they
# are pushed to a Baton server. BATON_URL and BATON_TOKEN come from the secrets of the build server.
set -eu
baton=${BATON:-baton}
files=$(git ls-files '*.baton.json')
[ -n "$files" ] || exit 0
# File names with spaces would need more than this.
"$baton" validate --json $files > validate.json || { cat validate.json; exit 1; }
"$baton" fmt --check $files
if [ "${BRANCH:-}" = main ] && [ -n "${BATON_URL:-}" ]; then
  # The repository is the truth: it goes over whatever is there, after showing what changes.
  "$baton" push $files --to "$BATON_URL" --yes --force ${BATON_CA:+--ca "$BATON_CA"}
fi
