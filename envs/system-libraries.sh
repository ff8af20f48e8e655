#!/bin/sh
# Makes sure that the system has what pip can't install: EGL with a driver for rendering without a
# screen. With the argument "test" also X11, GL and Xvfb for the reference renderer of the fidelity
# tests, and Chromium, which opens the report; with the argument "slurm" also the daemons that the
# tests of the SLURM profile start for themselves.
# Installs Debian's packages where that is allowed, otherwise says how.
set -eu

has_library() {
    # ldconfig is not on every user's PATH.
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p | grep -q "$1"
}

has_program() {
    PATH="$PATH:/sbin:/usr/sbin" command -v "$1" >/dev/null
}

has_egl_driver() {
    [ -n "${__EGL_VENDOR_LIBRARY_FILENAMES:-}" ] ||
        ls /usr/share/glvnd/egl_vendor.d/*.json /etc/glvnd/egl_vendor.d/*.json 2>/dev/null | grep -q .
}

missing=""
has_library libEGL.so.1 || missing="$missing libegl1"
has_egl_driver || missing="$missing libegl-mesa0 libgl1-mesa-dri"
if [ "${1:-}" = test ]; then
    has_library libGL.so.1 || missing="$missing libgl1"
    has_library libX11.so.6 || missing="$missing libx11-6"
    has_program Xvfb || missing="$missing xvfb"
    # The reference renders through GLX in software, whatever renders for the workflow.
    has_library libSM.so.6 || missing="$missing libsm6"
    has_library libICE.so.6 || missing="$missing libice6"
    has_library libGLX_mesa.so.0 || missing="$missing libglx-mesa0"
    has_program chromium || missing="$missing chromium"
    has_program chromedriver || missing="$missing chromium-driver"
    ls /usr/lib/*/dri/swrast_dri.so >/dev/null 2>&1 || missing="$missing libgl1-mesa-dri"
fi
if [ "${1:-}" = slurm ]; then
    has_program munged || missing="$missing munge"
    has_program slurmctld || missing="$missing slurmctld"
    has_program slurmd || missing="$missing slurmd"
    has_program sbatch || missing="$missing slurm-client"
fi
[ -z "$missing" ] && exit 0

command="apt-get update && apt-get install -y --no-install-recommends$missing"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing Debian's packages:$missing"
    DEBIAN_FRONTEND=noninteractive sh -c "$command"
elif command -v apt-get >/dev/null && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    echo "Installing Debian's packages:$missing"
    sudo -n DEBIAN_FRONTEND=noninteractive sh -c "$command"
else
    echo "This system lacks what is needed. As root, give this command:" >&2
    echo "    $command" >&2
    echo "(or what installs the same on a system other than Debian and Ubuntu), then try again." >&2
    exit 1
fi
