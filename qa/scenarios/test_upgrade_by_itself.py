"""What a node does about releases without anybody at hand: it fetches them in its windows, and mends or leaves what is damaged."""

import json

import pytest
from lab import releases
from lab.machine import wait_until
from lab.release_server import ReleaseServer
from lab.upgrades import HOST, NEXT, boot_id, slots, upgrade_status, url, wait_for_slot, wait_for_version

pytestmark = pytest.mark.long
RATE = 100_000  # bytes a second


def want(machine, text, update):
    machine.ssh("cat > /run/new.yaml; loamctl apply /run/new.yaml", input=text + update, limit=300)


def test_automatic_upgrade_in_its_window_through_a_proxy_at_a_rate(scenario, installed):
    machine = scenario.keep(installed.running(scenario.folder))
    wait_for_slot(machine, "a", "blessed")
    text = machine.ssh("cat /loam/loam.yaml")
    with ReleaseServer(releases.release(NEXT)) as server:
        proxy = f"proxy:\n  http: http://{HOST}:{server.port}\n"
        update = "update:\n  url: http://releases.invalid\n  automatic: true\n  rate_limit: 100K\n  windows: [\"%s\"]\n"
        # Closed for all of today and tomorrow, whatever the guest's clock says: it tells, and does nothing.
        day = machine.ssh("date -d '3 days' +%a").strip()
        want(machine, text, proxy + update % f"{day} 02:00-02:01")
        wait_until(lambda: upgrade_status(machine)["offered"] == NEXT, 400 * machine.scale, "the newer release being offered", interval=2)
        assert slots(machine)["b"]["state"] == "empty" and upgrade_status(machine)["state"] == "none"
        assert server.proxied > 0
        before, looked = boot_id(machine), server.bytes
        want(machine, text, proxy + update % "00:00-00:00")
        wait_for_version(machine, NEXT, 900)
        assert boot_id(machine) != before and server.proxied == server.requests, "without a person, and all by the proxy"
        scenario.figures["fetched"] = server.bytes - looked
        wait_for_slot(machine, "b", "blessed")
        # Of the boot before this one, which was with the identity of another copy of the saved state. The clock of loamd's own log, in microseconds: from its beginning to its end it may not have been faster than the rate.
        journal = machine.ssh("journalctl -m -u loamd -o json LOAM_UPGRADE=begin + LOAM_UPGRADE=pending --output-fields=LOAM_UPGRADE,MESSAGE")
        times = {line["LOAM_UPGRADE"]: int(line["__REALTIME_TIMESTAMP"]) for line in map(json.loads, journal.splitlines())}
        seconds = (times["pending"] - times["begin"]) / 1e6
        scenario.figures["bytes_a_second"] = scenario.figures["fetched"] / seconds
        assert scenario.figures["bytes_a_second"] <= 1.2 * RATE, scenario.figures
        # What a person puts back is left alone, though it is offered and a window is open.
        machine.ssh("loamctl upgrade rollback")
        assert "starts at the next reboot, on trial" in machine.ssh("loamctl upgrade rollback"), "asked for twice before a reboot"
        assert slots(machine)["b"]["tries_left"] == 3
        machine.ssh("loamctl upgrade rollback --reboot")
        wait_for_version(machine, "0.1.0")
        assert slots(machine)["b"]["state"] == "retired" and upgrade_status(machine)["state"] in ("trial", "proven")
        wait_for_slot(machine, "a", "blessed")
        now, asked = boot_id(machine), server.requests
        wait_until(lambda: server.requests > asked and upgrade_status(machine)["offered"] in (NEXT, ""), 400 * machine.scale, "the node looking again", interval=2)
        assert slots(machine)["b"]["state"] == "retired" and boot_id(machine) == now
        assert not machine.ssh("journalctl -q -b -u loamd -o cat LOAM_UPGRADE=begin"), "nothing was begun"


def test_root_that_cannot_be_read_falls_back(scenario, installed):
    """Blocks of the new slot go bad between the upgrade and its first start."""
    machine = scenario.keep(installed.running(scenario.folder))
    wait_for_slot(machine, "a", "blessed")
    with ReleaseServer(releases.release(NEXT)) as server:
        machine.ssh(f"loamctl upgrade start {url(server)}", limit=600)
    machine.ssh("dd if=/dev/urandom of=/dev/disk/by-partlabel/loam-root-b bs=1M seek=8 count=150 conv=notrunc oflag=direct status=none", limit=300)
    machine.ssh("loamctl reboot")
    wait_until(lambda: boot_id(machine) == "", 300 * machine.scale, "the shutdown", interval=1)

    def fell_back():
        machine.running()
        done = machine.ssh("loamctl --json upgrade status", check=False)
        return done.returncode == 0 and json.loads(done.stdout)["state"] == "fell-back" and json.loads(done.stdout)
    status = wait_until(fell_back, 1500 * machine.scale, "the older release", interval=5)
    assert status["running"] == "0.1.0" and status["message"].startswith(f"booted 0.1.0, meant {NEXT}: "), status
    scenario.figures["said"] = status["message"]
    said = machine.ssh("loamctl slots verify", limit=600, check=False)
    assert said.returncode != 0 and "does not match" in said.stdout + said.stderr, said.stdout + said.stderr
    # What is bad is found and fetched anew.
    with ReleaseServer(releases.release(NEXT)) as server:
        machine.ssh(f"loamctl upgrade start {url(server)}", limit=600)
        scenario.figures["fetched_to_mend"] = server.bytes
    assert "slot b is good" in machine.ssh("loamctl slots verify", limit=600)


def test_esp_is_mended_at_the_start(scenario, installed):
    """The boot loader damaged, its configuration gone, and the file system not closed in order."""
    machine = scenario.keep(installed.running(scenario.folder))
    wait_for_slot(machine, "a", "blessed")
    machine.ssh("truncate -s 100 /efi/EFI/systemd/systemd-bootx64.efi; rm /efi/EFI/BOOT/BOOTX64.EFI /efi/loader/loader.conf; sync")
    machine.ssh("systemctl restart loamd")
    machine.wait_state("ready", 120)
    machine.ssh("cmp /efi/EFI/systemd/systemd-bootx64.efi /efi/EFI/BOOT/BOOTX64.EFI && test -s /efi/loader/loader.conf")
    log = machine.ssh("journalctl -b -u loamd -p warning -o cat")
    assert log.count("it is the image's boot loader again") == 2 and "it is as the installer writes it" in log, log
    # A power cut with the ESP open for writing leaves its dirty mark: fsck takes it away.
    machine.ssh("mount -o remount,rw /efi; touch /efi/open; sync")
    machine.kill()
    machine.start()
    machine.wait_ssh(300)
    machine.wait_state("ready", 120)
    assert "not properly unmounted" not in machine.ssh("journalctl -b -k -o cat | grep -i fat-fs || true")
    assert machine.ssh("loamctl slots").count("blessed") == 1


def test_new_authority_comes_with_an_image(scenario, installed):
    """Key rotation: what a new authority signed is refused until a release of the old one has brought it."""
    authority = releases.Authority(scenario.folder / "authority")
    rotated = releases.copy(releases.release("0.1.2"), scenario.folder / "rotated")
    authority.sign(rotated)
    machine = scenario.keep(installed.running(scenario.folder))
    wait_for_slot(machine, "a", "blessed")
    with ReleaseServer(rotated) as server:
        refused = machine.ssh(f"loamctl upgrade start {url(server)}", check=False)
        assert refused.returncode != 0 and "does not lead to an authority" in refused.stderr, refused
        with ReleaseServer(releases.release(NEXT, {"/usr/lib/loam/trust/new.pem": (authority.folder / "ca.pem").read_text()})) as bridge:
            machine.ssh(f"loamctl upgrade start {url(bridge)} --reboot", limit=600, check=False)
        wait_for_version(machine, NEXT)
        wait_for_slot(machine, "b", "blessed")
        assert "signed by CN=New signer" in machine.ssh(f"loamctl upgrade plan {url(server)}", limit=300)
