"""Network namespaces of this host, with cables between them. What is done inside() of one happens there; a socket that was made there
stays there."""

import ctypes
import json
import os
import subprocess
from contextlib import contextmanager


def ip(*words, within=None):
    subprocess.run(["ip", *(["-n", within] if within else []), *words], check=True)


@contextmanager
def inside(name):
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        os.setns(there, os.CLONE_NEWNET)
        yield
    finally:
        os.setns(here, os.CLONE_NEWNET)
        os.close(here)
        os.close(there)


def add(name, **settings):
    """settings: of net.ipv4, such as ip_forward=1. Loopback is up."""
    ip("netns", "add", name)
    ip("link", "set", "lo", "up", within=name)
    with inside(name):
        for key, value in {"conf.all.rp_filter": 0, "conf.default.rp_filter": 0, **settings}.items():
            with open("/proc/sys/net/ipv4/" + key.replace(".", "/"), "w") as file:
                file.write(str(value))


def cable(name, link, addresses, other_name, other_link, other_addresses):
    ip("link", "add", "name", link, "netns", name, "type", "veth", "peer", "name", other_link, "netns", other_name)
    for where, what, own in ((name, link, addresses), (other_name, other_link, other_addresses)):
        for address in own:
            ip("address", "add", address, "dev", what, *(["nodad"] if ":" in address else []), within=where)
        ip("link", "set", "dev", what, "up", within=where)


def nft(name, commands, answer=False):
    """By nft's own library: the toolbox has it, and the program nft is little more than its command line."""
    library = ctypes.CDLL("libnftables.so.1")
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_get_output_buffer.restype = library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    with inside(name):
        context = ctypes.c_void_p(library.nft_ctx_new(0))
        try:
            library.nft_ctx_buffer_output(context)
            library.nft_ctx_buffer_error(context)
            library.nft_ctx_output_set_flags(context, 16 if answer else 0)  # JSON
            failed = library.nft_run_cmd_from_buffer(context, commands.encode())
            assert not failed, library.nft_ctx_get_error_buffer(context).decode()
            return json.loads(library.nft_ctx_get_output_buffer(context))["nftables"] if answer else None
        finally:
            library.nft_ctx_free(context)
