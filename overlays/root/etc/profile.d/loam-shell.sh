# systemd leaves the cursor in the corner of a terminal that does not tell its size.
if [ -n "${LOAM_SHELL:-}" ]; then printf '\033[H\033[2J'; fi
