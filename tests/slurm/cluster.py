"""A SLURM of one node on this machine: munged, slurmctld and slurmd on loopback, as long as a test.

It needs no systemd, no database and no cgroups, and leaves /etc and /run alone. The node claims more
CPUs and memory than the machine has, and two GPUs, so that what waits in the queue does so for the
reason that a test is about.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

CPUS = 32
MEMORY = 512_000

SLURM_CONF = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
# Without cgroups: processes are found by their parents, memory is sampled every second.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
# What can never run is refused; otherwise it would wait, and Snakemake with it.
EnforcePartLimits=ALL
ReturnToService=2
KillWait=2
# Ended jobs stay on record until the tests have asked for them.
MinJobAge=3600
# Believe the CPUs and the memory below.
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} \
ThreadsPerCore=1 RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=cpu Nodes=localhost Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=localhost Default=NO MaxTime=INFINITE State=UP
"""

# Any device file serves as a GPU that nothing opens.
GRES_CONF = """\
AutoDetect=off
NodeName=localhost Name=gpu File=/dev/null
NodeName=localhost Name=gpu File=/dev/zero
"""

# The plugin clears SLURM_CONF before the srun inside a job, which then looks in /etc/slurm.
SRUN = """\
#!/bin/sh
SLURM_CONF={folder}/slurm.conf exec {srun} "$@"
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(condition, seconds: float, what: str):
    """Ask until the answer is true, and return it.

    Raises:
        TimeoutError: it was not within `seconds`.
    """
    end = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.2)
    return answer


class Cluster:
    def __init__(self):
        # Not under pytest's folders, which are closed to others and have long names: munged wants
        # every parent open and a socket's path below 108 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
        self.folder.chmod(0o755)
        path = f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
        self.environment = os.environ | {
            "SLURM_CONF": f"{self.folder}/slurm.conf",
            "PATH": path,
        }

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    def command(self, *arguments) -> str:
        """Output of one of SLURM's commands."""
        return subprocess.run(
            list(map(str, arguments)),
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout

    def jobs(self, run: str) -> list[dict[str, str]]:
        """All jobs that one run of Snakemake has submitted, as `scontrol show job` tells of them."""
        lines = self.command("scontrol", "--oneliner", "show", "job").splitlines()
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]
        return [job for job in jobs if job.get("JobName") == run]

    def _start(self):
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        controller_port, node_port = free_ports(2)
        (self.folder / "slurm.conf").write_text(
            SLURM_CONF.format(
                folder=self.folder,
                controller_port=controller_port,
                node_port=node_port,
                user=self.command("id", "-un").strip(),
                cpus=CPUS,
                memory=MEMORY,
            )
        )
        (self.folder / "gres.conf").write_text(GRES_CONF)
        srun = self.folder / "bin" / "srun"
        srun.write_text(SRUN.format(folder=self.folder, srun=shutil.which("srun")))
        srun.chmod(0o755)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))

        files = [
            f"--{name}-file={self.folder}/munge.{name}" for name in ("key", "pid", "log", "seed")
        ]
        self.command("munged", f"--socket={self.folder}/munge.socket", *files)
        # Daemons inherit no pipe of ours, which would stay open as long as they live.
        for daemon in (["slurmctld", "-c"], ["slurmd", "-c", "-N", "localhost"]):
            subprocess.run(
                daemon,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=True,
                timeout=20,
            )
        wait_until(self._is_up, 30, f"SLURM's node ready (see {self.folder}/*.log)")

    def _is_up(self) -> bool:
        try:
            return "idle" in self.command("sinfo", "--noheader", "--format=%T")
        except (subprocess.SubprocessError, OSError):
            return False

    def _stop(self):
        """Leave no process and no file behind, whatever state it is in."""
        with suppress(subprocess.SubprocessError, OSError):
            self.command("scancel", "--user", os.getuid())
            wait_until(lambda: not self.command("squeue", "--noheader"), 15, "queue empty")
        for name in ("slurmd", "slurmctld", "munge"):
            with suppress(OSError, ValueError):
                os.kill(int((self.folder / f"{name}.pid").read_text()), signal.SIGTERM)
        with suppress(TimeoutError):
            wait_until(lambda: not self._processes(), 15, "daemons gone")
        for process in self._processes():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _processes(self) -> list[int]:
        """The daemons and all that descends from them: what has our folder in its environment."""
        mark = os.fsencode(self.folder)
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            # Another user's process, or one that has ended since; a zombie's is empty.
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
        return found
