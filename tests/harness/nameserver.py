"""The barest name server there is, for tests that need no more than records: `Datagrams`."""

import socket
import struct
import threading

A, TXT = 1, 16
ANSWER, AUTHORITATIVE, RECURSION = 0x8000, 0x0400, 0x0080
NXDOMAIN = 3


class Datagrams:
    """No TCP, no EDNS, nothing but the answer. records: {(name, type): [rdata]}; a name with None is never answered."""

    def __init__(self, records, flags=ANSWER | AUTHORITATIVE):
        self.records, self.flags, self.asked = records, flags, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.at = f"127.0.0.1@{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def _name(packet):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode("latin-1").lower())
            at += 1 + packet[at]
        return ".".join(labels), at + 1

    def _serve(self):
        while True:
            try:
                packet, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            name, end = self._name(packet)
            kind = struct.unpack_from("!H", packet, end)[0]
            self.asked.append((name, kind))
            if self.records.get(name, ()) is None:
                continue
            found = self.records.get((name, kind), [])
            known = any(key[0] == name for key in self.records if isinstance(key, tuple))
            head = struct.pack("!2s5H", packet[:2], self.flags | (0 if known else NXDOMAIN), 1, len(found), 0, 0)
            body = b"".join(struct.pack("!3HIH", 0xC00C, kind, 1, 60, len(rdata)) + rdata for rdata in found)
            self.socket.sendto(head + packet[12 : end + 4] + body, peer)

    def close(self):
        self.socket.close()


def text(value):
    """The rdata of a TXT record, in strings of 255 bytes."""
    raw = value.encode("latin-1")
    return b"".join(bytes([len(raw[i : i + 255])]) + raw[i : i + 255] for i in range(0, len(raw), 255))
