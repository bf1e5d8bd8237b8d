/// Frames as a malicious guest makes them, and a listener that says which arrived.
enum ForgedFrames {
    /// Python: `send|listen LINK HARDWARE IPV4 IPV6 PEER`. Names that begin with "own" are honest.
    static let script = #"""
        import socket, struct, sys, time
        kind, link, mac, ip4, ip6, peer = sys.argv[1:7]
        own = bytes.fromhex(mac.replace(":", "")); other = bytes.fromhex("00163e4e5499"); to = bytes.fromhex(peer.replace(":", ""))
        a4 = socket.inet_aton(ip4); b4 = a4[:3] + bytes([77]); a6 = socket.inet_pton(socket.AF_INET6, ip6); b6 = a6[:15] + bytes([0x77])
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        if kind == "listen":
            s.settimeout(4); seen = set(); print("listening", flush=True)
            try:
                while "last" not in seen:
                    data = s.recv(2000)
                    if b"MARK:" in data: seen.add(data.split(b"MARK:")[1].split(b";")[0].decode())
            except TimeoutError:
                pass
            print(" ".join(sorted(seen))); sys.exit()
        def mark(name): return b"MARK:" + name.encode() + b";"
        def eth(kind, body, source=own): return to + source + struct.pack("!H", kind) + body
        def sum16(data):
            if len(data) % 2: data += b"\0"
            total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
            while total >> 16: total = (total & 0xffff) + (total >> 16)
            return ~total & 0xffff
        def ipv4(source, name):
            udp = struct.pack("!HHHH", 9, 9, 8 + len(mark(name)), 0) + mark(name)
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, source, a4[:3] + bytes([200]))
            return head[:10] + struct.pack("!H", sum16(head)) + head[12:] + udp
        def arp(hardware, address, name): return struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 2, hardware, address, to, a4) + mark(name)
        def ipv6(source, next, body): return struct.pack("!IHBB16s16s", 6 << 28, len(body), next, 255, source, a6[:15] + bytes([0xc8])) + body
        def icmp6(source, body):
            pseudo = source + a6[:15] + bytes([0xc8]) + struct.pack("!IBBBB", len(body), 0, 0, 0, 58)
            return ipv6(source, 58, body[:2] + struct.pack("!H", sum16(pseudo + body)) + body[4:])
        def advertisement(target, hardware, name): return struct.pack("!BBHI16sBB6s", 136, 0, 0, 0x60000000, target, 2, 1, hardware) + mark(name)
        def udp6(source, name): return ipv6(source, 17, struct.pack("!HHHH", 9, 9, 8 + len(mark(name)), 1) + mark(name))
        frames = [
            eth(0x800, ipv4(a4, "own4")), eth(0x806, arp(own, a4, "ownarp")), eth(0x86dd, udp6(a6, "own6")),
            eth(0x86dd, icmp6(a6, advertisement(a6, own, "ownna"))),
            eth(0x800, ipv4(a4, "mac"), other), eth(0x800, ipv4(b4, "ipv4")), eth(0x806, arp(other, a4, "arpmac")),
            eth(0x806, arp(own, b4, "arpip")), eth(0x86dd, udp6(b6, "ipv6")),
            eth(0x86dd, icmp6(a6, advertisement(b6, own, "natarget"))), eth(0x86dd, icmp6(a6, advertisement(a6, other, "namac"))),
            eth(0x86dd, icmp6(a6, struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + mark("ra"))),
            eth(0x8100, struct.pack("!HH", 5, 0x800) + ipv4(b4, "vlan")),
            eth(0x88a8, struct.pack("!HHHH", 5, 0x8100, 6, 0x800) + ipv4(b4, "qinq")),
            eth(0x8863, mark("pppoe")),
        ]
        s.bind((link, 0))
        for frame in frames:
            s.send(frame.ljust(60, b"\0")); time.sleep(0.01)
        s.send(eth(0x800, ipv4(a4, "last")).ljust(60, b"\0"))
        """#
}
