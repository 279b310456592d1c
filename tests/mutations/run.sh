#!/usr/bin/env bash
# Takes each verification of the gate away in turn, in a copy of the repository, and wants to see
# the tests fail. It takes half an hour, so it is no part of the gate: run it after a change there.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
git clone --quiet . "$copy"
cd "$copy"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$copy/target}" RUSTFLAGS="--cap-lints allow" RUST_BACKTRACE=0
tests() {
    cargo test --quiet -p toolgate --test gate_token --test gate_keys --test gate_dpop \
        --test gate_introspection >"$copy/log" 2>&1 &&
        cargo test --quiet -p toolgate --lib -- gate serve >>"$copy/log" 2>&1 &&
        cargo test --quiet -p end-to-end --test gate --test brokered >>"$copy/log" 2>&1
}
tests || { cat "$copy/log"; echo 'the tests fail without any change'; exit 1; }

killed=0 survived=0
while IFS= read -r line; do
    case "$line" in '' | '#'*) continue ;; esac
    file="${line%% => *}" rest="${line#* => }"
    # What is replaced may hold an arrow itself: the middle one of an odd number divides.
    FILE="$file" REST="$rest" perl -e '
        my ($file, @parts) = ($ENV{FILE}, split / => /, $ENV{REST});
        my $half = @parts / 2;
        my $from = join(" => ", @parts[0 .. $half - 1]);
        my $to = join(" => ", @parts[$half .. $#parts]);
        open my $in, "<", $file or die; local $/; my $text = <$in>; close $in;
        my $at = index($text, $from); die "nothing to take away: $from\n" if $at < 0;
        substr($text, $at, length $from) = $to;
        open my $out, ">", $file or die; print $out $text;' || exit 1
    if tests; then
        survived=$((survived + 1)); echo "SURVIVED  $line"
    elif grep -q '^error\(\[E\|: could not compile\)' "$copy/log"; then
        echo "does not compile: $line"; cat "$copy/log"; exit 1
    else
        killed=$((killed + 1)); echo "killed    $line"
    fi
    git checkout --quiet .
done <tests/mutations/gate.txt
echo "$killed killed, $survived survived"
[ "$survived" = 0 ]
