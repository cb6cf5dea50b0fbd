# Sourced by servers.sh: a server's packages downloaded from a Debian suite, the system's own or
# another, and unpacked below .cache. What `describe` in servers.sh sets says what is wanted.

system_suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
# Part of the stamp: a change to how a tree is made has it made again.
layout=3

is_unpacked() {
  [ "$(cat "$tree/stamp" 2>/dev/null)" = "$layout" ] && have_all "$tree/bin"
}

# write_sources ETC: writes $scratch/sources/<n>.sources or .list for each of the system's own
# package sources that serves its suite, with $suite in its place. The mirror is the system's, and
# the keyring is the one it trusts that mirror by, or Debian's where it names none.
write_sources() {
  local etc=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f "$keyring" ] || keyring=
  mkdir -p "$scratch/sources"
  find "$etc" -path "$etc/sources.list.d/*.sources" -print0 | sort -z | xargs -0r awk \
    -v own="$system_suite" -v suite="$suite" -v keyring="$keyring" -v to="$scratch/sources/" '
    BEGIN { RS = ""; FS = "\n" }
    {
      field = rest = ""; serves = main = binary = signed = 0; enabled = 1
      for (i = 1; i <= NF; i++) {
        if ($i ~ /^#/) continue
        value = $i
        if ($i ~ /^[^ \t]/) {
          field = tolower($i); sub(/[ \t]*:.*/, "", field)
          sub(/^[^:]*:/, "", value)
        }
        words = " " value " "; gsub(/[ \t]+/, " ", words)
        if (field == "suites") {
          if (index(words, " " own " ") || words ~ / (stable|oldstable|testing|unstable|sid) /) serves = 1
        }
        else if (field == "components") { if (index(words, " main ")) main = 1 }
        else if (field == "types") { if (index(words, " deb ")) binary = 1 }
        else {
          if (field == "enabled" && tolower(words) ~ / (no|false|0) /) enabled = 0
          if (field == "signed-by") signed = 1
          rest = rest $i "\n"
        }
      }
      if (!signed && keyring != "") rest = rest "Signed-By: " keyring "\n"
      if (serves && main && binary && enabled)
        printf "Types: deb\nSuites: %s\nComponents: main\n%s", suite, rest > (to (++n) ".sources")
    }'
  find "$etc" '(' -path "$etc/sources.list" -o -path "$etc/sources.list.d/*.list" ')' -print0 |
    sort -z | xargs -0r awk \
    -v own="$system_suite" -v suite="$suite" -v keyring="$keyring" -v to="$scratch/sources/" '
    $1 == "deb" {
      line = $0; options = ""; sub(/#.*/, "", line)
      if (match(line, /\[[^]]*\]/)) {
        options = substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
      }
      if (options !~ /signed-by/ && keyring != "") options = options (options == "" ? "" : " ") "signed-by=" keyring
      split(line, word)
      serves = word[3] == own || word[3] ~ /^(stable|oldstable|testing|unstable|sid)$/
      if (serves && line ~ /[ \t]main([ \t]|$)/)
        print "deb " (options == "" ? "" : "[" options "] ") word[2] " " suite " main" > (to (++n) ".list")
    }'
}

# apt-get with state and cache of its own, as if no package were installed. $source is the file
# of package sources; without it they are the system's.
private_apt() {
  local from=()
  [ -z "$source" ] || from=(-o Dir::Etc::sourcelist="$source" -o Dir::Etc::sourceparts=/dev/null)
  mkdir -p "$scratch"/state/lists/partial "$scratch"/cache/archives/partial
  touch "$scratch/status"
  apt-get -qq \
    -o Dir::State="$scratch/state" \
    -o Dir::State::status="$scratch/status" \
    -o Dir::Cache="$scratch/cache" \
    -o Acquire::Languages=none \
    -o APT::Default-Release= \
    -o APT::Sandbox::User= \
    -o APT::Update::Post-Invoke::= \
    -o APT::Update::Post-Invoke-Success::= \
    -o Debug::NoLocking=1 \
    "${from[@]}" "$@"
}

# From the lists as they are now: of a package that has moved on meanwhile both versions would be
# unpacked.
download() {
  rm -rf "$scratch/cache/archives"
  say "reading the package lists of $suite with apt, under a private root"
  private_apt update || return 1
  say "downloading ${resolved[*]} ${files_of[*]} and what they need with apt"
  private_apt install --no-install-recommends --download-only "${resolved[@]}" || return 1
  [ "${#files_of[@]}" = 0 ] || (cd "$scratch/cache/archives" && private_apt download "${files_of[@]}")
}

# The version in what a server's --version says.
version_in() {
  sed 's/.* Ver \([^ ]*\).*/\1/' <<<"$1"
}

# Leaves the packages in $scratch/cache/archives.
download_packages() {
  local source sources
  write_sources /etc/apt
  sources=("$scratch"/sources/*)
  [ -e "${sources[0]}" ] || sources=()
  # All that the system has of its own suite, its updates too.
  [ "$suite" != "$system_suite" ] || sources=('' "${sources[@]}")
  [ "${#sources[@]}" -gt 0 ] ||
    die "apt has no package source of $system_suite whose mirror could have $suite"
  for source in "${sources[@]}"; do
    download && return
    # The suite may just have changed, and the lists with it.
    say "trying again: $suite may have moved on meanwhile"
    download && return
    rm -rf "$scratch/state"
  done
  die "apt cannot download ${resolved[*]} ${files_of[*]} of $suite"
}

# Writes the body of a wrapper to bin/<name>. $here is the tree, wherever it is moved to.
wrapper() {
  local name=$1 body=$2
  cat >"$tree.new/bin/$name" <<END
#!/usr/bin/env bash
# Made by scripts/servers.sh.
here=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
root=\$here/root
$body
END
  chmod +x "$tree.new/bin/$name"
}

# The options that choose option files are valid only in front of all others.
leading_options='first=()
while [[ ${1-} == --no-defaults || ${1-} == --defaults-* || ${1-} == --print-defaults ]]; do
  first+=("$1")
  shift
done'

write_wrappers() {
  local root=$tree.new/root loader libraries='' dir name path
  loader=$(cd "$root" && find . -path '*-linux-gnu*' -name 'ld-linux*.so.*' | head -n 1)
  [ -n "$loader" ] || die "no dynamic loader in $root"
  for dir in "$root"/lib/*-linux-gnu* "$root"/usr/lib/*-linux-gnu*; do
    [ -d "$dir" ] && libraries+="\${root}${dir#"$root"}:"
  done
  local start="exec \"\$root/${loader#./}\" --library-path \"${libraries%:}\""
  mkdir -p "$tree.new/bin"
  wrapper "$server" "$leading_options
$start \"\$root/usr/sbin/$server\" \"\${first[@]}\" --basedir=\"\$root/usr\" \\
  --lc-messages-dir=\"\$root/usr/share/mysql\" --character-sets-dir=\"\$root/usr/share/mysql/charsets\" \\
  --plugin-dir=\"\$here/plugin\" ${server_options[*]} \"\$@\""
  for name in "${programs[@]}" "${helpers[@]}"; do
    case $name in "$server" | mariadb-install-db) continue ;; esac
    path=$(cd "$root" && find usr/bin usr/sbin -name "$name" | head -n 1)
    [ -n "$path" ] || die "no program $name in $root"
    wrapper "$name" "$start \"\$root/$path\" \"\$@\""
  done
  if [ "$server" = mariadbd ]; then write_install_db; else allow_local_keyring; fi
}

# A data directory may then say itself that its server loads a keyring, and which: mysqld looks
# for its manifest beside the program, for a component's settings beside the plugin.
allow_local_keyring() {
  echo '{ "read_local_manifest": true }' >"$tree.new/root/usr/sbin/mysqld.my"
  echo '{ "read_local_config": true }' >"$tree.new/plugin/component_keyring_file.cnf"
}

# A shell script that finds programs and SQL files below its --basedir, and splits that at
# spaces: hence the link.
write_install_db() {
  ln -s bin "$tree.new/sbin"
  ln -s root/usr/share "$tree.new/share"
  ln -s root/usr/lib "$tree.new/lib"
  wrapper mariadb-install-db "$leading_options
scratch=\$(mktemp -d)
trap 'rm -rf \"\$scratch\"' EXIT
ln -s \"\$here\" \"\$scratch/base\"
/bin/sh \"\$root/usr/bin/mariadb-install-db\" \"\${first[@]}\" --basedir=\"\$scratch/base\" \"\$@\""
}

unpack_packages() {
  local deb
  command -v apt-get >/dev/null || die "no apt here to download ${resolved[*]} of $suite with"
  make_scratch
  download_packages
  rm -rf "$tree.new"
  mkdir -p "$tree.new/root"
  for deb in "$scratch"/cache/archives/*.deb; do
    dpkg-deb -x "$deb" "$tree.new/root"
  done
  # Most of the files are documentation and Perl.
  rm -rf "$tree.new"/root/usr/share/{doc,man,locale,info,perl*} "$tree.new"/root/usr/lib/*-linux-gnu*/perl*
  ln -s root/usr/lib/mysql/plugin "$tree.new/plugin"
  write_wrappers
  echo "$layout" >"$tree.new/stamp"
  rm -rf "$tree"
  mv "$tree.new" "$tree"
  say "unpacked $name of $suite to ${tree#"$PWD/"}"
}

use_unpacked() {
  local version
  is_unpacked || unpack_packages
  version=$("$tree/bin/$server" --no-defaults --version) ||
    die "${tree#"$PWD/"}/bin/$server does not start"
  say "$name is in ${tree#"$PWD/"}/bin: $(version_in "$version")"
}
