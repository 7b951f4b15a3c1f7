#!/usr/bin/env bash
# Makes and enters the toolbox: a Debian 13 root in which Loam is built, imaged and tested.
#   toolbox.sh make              make .toolbox if its inputs changed
#   toolbox.sh run CMD ARG...    run a command inside, in the work tree
# Package source, proxy and CA certificates are the host's, read at run time; nothing of them is kept in the repository.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${LOAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/loam}
root=$top/.toolbox
list=$top/cmake/toolbox.packages

die() { printf 'toolbox: %s\n' "$*" >&2; exit 1; }
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

packages() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$list"; }
key() { { packages; echo layout-1; } | sha256sum | cut -c1-16; }

# Where the host's apt gets a Debian suite from, one line each: "URI SUITE". Others' archives may end in /debian too, but
# have no component "main" of a suite with one of these names.
host_archives() {
  { find /etc/apt -maxdepth 2 -name '*.list' -exec sed -n 's/^deb *\(\[[^]]*\] *\)\?//p' {} +
    find /etc/apt -maxdepth 2 -name '*.sources' -exec sed -s '$G' {} + | awk '
      function flush(  i, j, u, s, n, m) {
        n = split(uris, u, " "); m = split(suites, s, " ")
        for (i = 1; i <= n; i++) for (j = 1; j <= m; j++) print u[i], s[j], components
        uris = suites = components = ""
      }
      /^URIs:/ {uris = substr($0, 6)} /^Suites:/ {suites = substr($0, 8)} /^Components:/ {components = substr($0, 12)}
      /^$/ {flush()} END {flush()}'
  } | awk '$1 ~ /\/debian(-security)?\/?$/ && $0 ~ / main( |$)/ &&
           $2 ~ /^(bookworm|trixie|forky|sid|stable|oldstable|testing)(-security|-updates)?$/ {sub(/\/$/, "", $1); print $1, $2}'
}

# The Debian archive, and that of its security updates: the host's; on Ubuntu and elsewhere LOAM_MIRROR or Debian's own.
mirror() {
  if [ -n "${LOAM_MIRROR:-}" ]; then printf '%s\n' "${LOAM_MIRROR%/}"; return; fi
  local from; from=$(host_archives | awk '$2 !~ /-security$/ {print $1; exit}')
  printf '%s\n' "${from:-http://deb.debian.org/debian}"
}
security_mirror() {
  local from=
  [ -n "${LOAM_MIRROR:-}" ] || from=$(host_archives | awk '$2 ~ /-security$/ {print $1; exit}')
  printf '%s\n' "${from:-$(mirror)-security}"
}

sources() {
  local from; from=$(mirror)
  # apt takes from backports only what the others have not got: Go.
  for suite in trixie trixie-updates trixie-backports; do
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main non-free-firmware\n' "$from" "$suite"
  done
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie-security main non-free-firmware\n' "$(security_mirror)"
}

# A host may have its proxy in apt.conf only; apt-config quotes what it prints for the shell. mmdebstrap has an apt.conf of
# its own, and so has the toolbox: the environment reaches both.
proxy_from_apt() {
  local apt_http= apt_https=
  eval "$(apt-config shell apt_http Acquire::http::Proxy apt_https Acquire::https::Proxy 2>/dev/null || true)"
  [ -z "$apt_http" ] || export http_proxy="${http_proxy:-$apt_http}"
  [ -z "$apt_https" ] || export https_proxy="${https_proxy:-$apt_https}"
}

host_needs() {
  command -v mmdebstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] && return
  say "installing mmdebstrap on this host"
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    mmdebstrap debian-archive-keyring zstd >/dev/null || die "apt-get could not install mmdebstrap; look at its message above"
}

make_root() {
  local want; want=$(key)
  [ "$(cat "$root/.loam-key" 2>/dev/null)" = "$want" ] && return
  [ "$(id -u)" = 0 ] || die "must run as root: it makes a root file system and mounts"
  local tarball=$cache/toolbox-$want.tar
  mkdir -p "$cache"
  if [ ! -e "$tarball" ]; then
    host_needs
    say "making the Debian 13 toolbox (once, one to three minutes)"
    sources | mmdebstrap --quiet --variant=apt --mode=root --skip=cleanup/apt --aptopt='Acquire::Retries "5"' \
      --include="$(packages | paste -sd,)" trixie "$tarball.$$.tar" - >&2 || { rm -f "$tarball.$$.tar"; die "mmdebstrap failed; its last lines above say why"; }
    mv "$tarball.$$.tar" "$tarball"
    find "$cache" -maxdepth 1 -name 'toolbox-*.tar' ! -name "toolbox-$want.tar" -mtime +14 -delete
  fi
  say "unpacking the toolbox"
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  tar -C "$root" --numeric-owner -xf "$tarball"
  mkdir -p "$root/.old" "$root$top" "$root$cache"
  printf '%s\n' "$want" > "$root/.loam-key"
}

# Runs in a mount namespace of its own: mkosi needs / to be a mount point, so a plain chroot is not enough.
enter() {
  mount --make-rprivate /
  mount --bind "$root" "$root"
  for dir in proc sys dev; do mount --rbind "/$dir" "$root/$dir"; done
  mount -t tmpfs -o mode=0755 tmpfs "$root/run"
  mount -t tmpfs -o mode=1777,size=90% tmpfs "$root/dev/shm"
  mkdir -p "$root$top" "$root$cache"
  mount --bind "$top" "$root$top"
  mount --bind "$cache" "$root$cache"
  for file in /etc/resolv.conf /etc/hosts; do [ -e "$file" ] && cat "$file" > "$root$file"; done
  [ -e /etc/ssl/certs/ca-certificates.crt ] && cat /etc/ssl/certs/ca-certificates.crt > "$root/etc/ssl/certs/ca-certificates.crt"
  sources > "$root/etc/apt/sources.list"
  cd "$root"
  pivot_root . .old
  cd "$1"; shift
  umount -l /.old
  exec "$@"
}

case ${1:-} in
  make) proxy_from_apt; make_root ;;
  run)
    shift
    proxy_from_apt
    # The host's own proxy and mirror settings go in; nothing else of its environment does.
    keep=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LANG=C.UTF-8 TERM="${TERM:-dumb}" LOAM_CACHE="$cache" LOAM_HOST_MIRROR="$(mirror)"
      LOAM_HOST_SECURITY="$(security_mirror)" LOAM_TOOLBOX="$(key)" ${LOAM_KEYS:+LOAM_KEYS="$LOAM_KEYS"} ${LOAM_PAYLOAD:+LOAM_PAYLOAD="$LOAM_PAYLOAD"}
      LOAM_PROMPT="${LOAM_PROMPT:-}" CI="${CI:-}")
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do [ -n "${!name:-}" ] && keep+=("$name=${!name}"); done
    mkdir -p "$cache"
    exec unshare -m --propagation private env -i "${keep[@]}" "$0" enter "$PWD" "$@" ;;
  enter) shift; enter "$@" ;;
  key) key ;;
  *) die "usage: toolbox.sh make | run CMD ARG..." ;;
esac
