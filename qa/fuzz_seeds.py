"""What good input looks like, for each fuzzer."""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

BLOCK = 4096


def longest(seeds):
    """Bytes of an input: what the fuzzers make of a seed may be twice as long, or as long as that of a parser of little text."""
    return max(16384, 2 * max(map(len, seeds)))


def hash_areas():
    """Root hash and hash area of a tree with two levels and of one block alone, small enough to be read to their last leaf."""
    with tempfile.TemporaryDirectory() as folder:
        for blocks in (300, 1):
            data, area = Path(folder) / "data", Path(folder) / f"area-{blocks}"
            data.write_bytes(b"".join(bytes([number % 251]) * BLOCK for number in range(blocks)))
            said = subprocess.run(["veritysetup", "format", "--salt", "5a" * 32, "--uuid", "00000000-0000-4000-8000-000000000000", str(data), str(area)],
                                  capture_output=True, text=True, check=True).stdout
            root = next(line.split()[-1] for line in said.splitlines() if line.startswith("Root hash"))
            yield bytes.fromhex(root) + area.read_bytes()


def fuzz_seeds(build, release):
    """What good input looks like, for each fuzzer; release_fuzz takes its parser from the first byte."""
    loamctl = build / "release/initd/loamctl"
    example = subprocess.run([str(loamctl), "config", "example"], capture_output=True, check=True).stdout
    manifest = next(release.glob("loam-*.json")).read_bytes()
    signature = next(release.glob("loam-*.json.sig")).read_bytes()
    uki = next(release.glob("loam-*[0-9].efi")).read_bytes()[:4096]
    plan = json.dumps({"plan": json.dumps({"title": "t", "actions": []})}).encode() + b'\n{"begin":0}\n'
    lldp = b'{"Neighbors":[{"InterfaceName":"nic0","Neighbors":[{"SystemName":"sw1","PortID":"Ethernet1/7"}]}]}'
    bonding = b"Slave Interface: nic0\ndetails partner lacp pdu:\n    system mac address: 52:54:00:00:00:01\n    oper key: 15\n    port state: 63\n"
    link = bytes.fromhex("3400000010000000000000000000000000000100020000000310000000000000" "0a00030065746830000000000800040000040000")
    word = lambda value: len(value).to_bytes(4, "little") + value
    body = bytes(32) + word(b"main") + (2).to_bytes(4, "little") + word(b"ceph_fsid") + word(b"f" * 36) + word(b"whoami") + word(b"3")
    osd = b"bluestore block device\n" + b"u" * 36 + b"\n\2\1" + word(body) + bytes(4)  # the checksum is looked at last
    lvm = b'g {id="v" extent_size=8192 physical_volumes {pv0 {id="uuid" pe_start=2048 pe_count=9}} logical_volumes {l {id="l" tags=["ceph.osd_fsid=u", "ceph.type=db"] segment1 {start_extent=0 extent_count=2 type="striped" stripes=["pv0", 0]}}}}'
    smart = b'{"smart_status":{"passed":true},"ata_smart_attributes":{"table":[{"id":197,"raw":{"value":3}}]},"temperature":{"current":30},"scsi_error_counter_log":{"read":{"total_uncorrected_errors":1}}}'
    nvme = b'{"critical_warning":4,"temperature":310,"percent_used":3,"media_errors":"18446744073709551616","power_on_hours":1}'
    content = b'{"signatures":[{"kind":"ext4","label":"l","uuid":"u","offset":1080}],"ceph":[{"role":"db","ceph_fsid":"f","osd_uuid":"u","osd_id":"3","volume":"v/l","encrypted":true,"offset":1,"bytes":2}]}'
    ledger = b'{"version":1,"claims":[{"id":"i","names":["i"],"description":"d","slot":"s","purpose":"data","metadata":"m","db_bytes":1,"parts":0,"osd_uuid":"u","osd_id":"1"}],"used_consents":["i"],"erased":["i"],"wipes":[{"id":"i","content":' + content + b"}]}"
    documents = [b"\0" + smart, b"\1" + nvme, b'\2{"state":"good","why":"w"}', b"\3" + content, b"\4" + ledger]
    pem = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nx\n-----BEGIN PRIVATE KEY-----\n").decode()
    kubeconfig = f"current-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\nclusters: [{{name: k, cluster: {{server: 'https://h:1', certificate-authority-data: {pem}}}}}]\nusers: [{{name: u, user: {{client-certificate: f, client-key-data: {pem}}}}}]\n".encode()
    watch = b'{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}\n{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n{"type":"ERROR","object":{"kind":"Status","code":410}}\n'
    join = b"HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 04:31:21 GMT\r\n\r\n" + json.dumps({"data": {"kubeconfig": "certificate-authority-data: Zg==\n", "jws-kubeconfig-abcdef": "eyJhbGciOiJIUzI1NiJ9..x"}, "gitVersion": "v1.34.4"}).encode()
    return {"kubeconfig_fuzz": [kubeconfig], "watch_fuzz": [watch], "bluestore_fuzz": [osd], "lvm_fuzz": [b"\2" + lvm],
            "disk_documents_fuzz": documents, "loam_yaml_fuzz": [example],
            "network_fuzz": [example[example.index(b"network:") + 9:example.index(b"storage:")]],
            "rtnl_fuzz": [link], "neighbours_fuzz": [lldp, bonding, b"Unicast reply from 10.0.0.1 [52:54:00:00:00:01]  1ms"],
            "release_fuzz": [b"\0" + manifest, b"\1{}", b"\2loam-1.2+3-1.efi", b"\3{}", *(b"\4" + area for area in hash_areas()), b"\5" + signature, b"\6" + uki, b"\7bytes 0-4095/1048576", b"\7loam-1.2.3.json\n", b'\x08{"floor":"1","revoked":["a"]}', b'\x08{"version":"1","kubernetes":"","config_versions":[1]}', b'\x08{"ab":{"when":1795770720,"problem":"why"}}'],
            "http_fuzz": [b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 8-15/64\r\nContent-Length: 8\r\nETag: \"1\"\r\n\r\n12345678", b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + b"x" * 64, b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"],
            "journal_fuzz": [plan],
            "join_check_fuzz": [b"\xff" + join, b"\x80" + join + join],
            "udev_record_fuzz": [b"S:disk/by-id/wwn-0x5\nI:4711\nE:ID_MODEL_ENC=A\\x20B\nV:1\n"]}
