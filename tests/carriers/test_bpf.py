"""The kernel's filters, run by an interpreter of our own and by the kernel: no message is left out."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fzctl.carriers import bpf
from fzctl.carriers.bpf import ETHERNET_HEADER, Instruction, attach, control_program, tunnel_program
from fzctl.pcap.datagrams import EXTENSIONS
from fzctl.pcap.links import ETHERNET, RAW, link_for, may_be_control
from tests.pcap.build import control, ethernet, ipv4, ipv6
from tests.records import assigned, goodbye

Program = Callable[[int], list[Instruction]]
both = pytest.mark.parametrize("program", [control_program, tunnel_program])


def interpret(program: Sequence[Instruction], packet: bytes) -> int:
    """What the program returns; a load beyond the packet's end returns 0 (linux net/core/filter.c)."""
    sizes = {bpf.LOAD_WORD: 4, bpf.LOAD_HALF: 2, bpf.LOAD_BYTE: 1}
    at = accumulator = 0
    while True:
        code, yes, no, operand = program[at]
        at += 1
        if code in sizes:
            data = packet[operand : operand + sizes[code]]
            if len(data) < sizes[code]:
                return 0
            accumulator = int.from_bytes(data, "big")
        elif code == bpf.AND:
            accumulator &= operand
        elif code == bpf.JUMP_EQUAL:
            at += yes if accumulator == operand else no
        else:
            assert code == bpf.RETURN
            return operand


def takes(program: Program, packet: bytes) -> tuple[bool, bool]:
    """On a device without link header, and on Ethernet."""
    bare = interpret(program(0), packet)
    framed = interpret(program(ETHERNET_HEADER), ethernet(packet))
    assert {bare, framed} <= {0, bpf.WHOLE}
    return bool(bare), bool(framed)


@both
def test_every_message_passes_whatever_stands_before_its_header(program: Program) -> None:
    plain = [goodbye(), assigned(), control(hop_limit=64)]
    extended = [control(headers=[(number, bytes(8))]) for number in (0, 43, 44, 60)]
    for packet in plain + extended:
        assert takes(program, packet) == (True, True)
        for tags in ((0x8100,), (0x88A8, 0x8100), (0x9100,)):
            assert interpret(program(ETHERNET_HEADER), ethernet(packet, *tags))


def test_all_else_stays_with_the_kernel() -> None:
    one_bit = bytes(31) + b"\1"
    for packet in (ipv4(), ipv6(), ipv6(addresses=one_bit), ipv6(addresses=one_bit[::-1]), b"\x10" * 60):
        assert takes(control_program, packet) == (False, False)
    for packet in (ipv4(protocol=6), ipv6(protocol=6), b"\x10" * 60):
        assert takes(tunnel_program, packet) == (False, False)


def test_udp_passes_where_keys_may_open_it() -> None:
    for packet in (ipv4(), ipv6(), *(ipv6(protocol=number) for number in EXTENSIONS)):
        assert takes(tunnel_program, packet) == (True, True)


@both
def test_what_is_cut_is_no_trouble(program: Program) -> None:
    whole = ethernet(goodbye())
    for size in range(len(whole)):
        interpret(program(0), whole[ETHERNET_HEADER:][:size])
        interpret(program(ETHERNET_HEADER), whole[:size])


packets = st.builds(
    lambda first, rest, addresses, tail: bytes((first,)) + rest + addresses + tail,
    st.sampled_from((0x45, 0x60, 0x6F, 0x00, 0x46)),
    st.binary(min_size=7, max_size=7),
    st.one_of(st.just(bytes(32)), st.binary(min_size=32, max_size=32)),
    st.binary(max_size=40),
)


@given(packets)
def test_no_candidate_of_the_files_reader_is_left_out(packet: bytes) -> None:
    for link_type, header, frame in ((RAW, 0, packet), (ETHERNET, ETHERNET_HEADER, ethernet(packet))):
        link = link_for(link_type)
        assert link is not None
        located = link.locate(frame)
        if located is not None and may_be_control(frame, located[0]):
            assert interpret(control_program(header), frame)
            assert interpret(tunnel_program(header), frame)


@both
@given(packets)
def test_the_kernel_reads_a_program_as_we_do(program: Program, packet: bytes) -> None:
    """A filter may stand on any socket; this pair needs no permission."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        attach(receiver, program(0))
        receiver.setblocking(False)
        sender.setblocking(False)
        taken = True
        try:
            sender.send(packet)  # of what is filtered a local socket tells its sender
            taken = receiver.recv(4096) == packet
        except (BlockingIOError, PermissionError):
            taken = False
        assert taken == bool(interpret(program(0), packet))
