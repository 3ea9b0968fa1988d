"""A proxy that answers for www.openml.org and api.openml.org with a labboard."""

import socket
import socketserver
import ssl
import subprocess
import threading
from contextlib import contextmanager

HOSTS = ["www.openml.org", "api.openml.org"]


def certificate(folder):
    """A key and a certificate that it signed itself."""
    key, pem = folder / "key.pem", folder / "certificate.pem"
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", pem]
    command += ["-subj", f"/CN={HOSTS[0]}", "-addext", f"subjectAltName={names}"]
    subprocess.run(command, check=True, capture_output=True)
    return key, pem


def read_head(connection):
    """A request without its body, which a GET has not."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(65536)
        if not more:
            break
        head += more
    return head


class Tunnel(socketserver.StreamRequestHandler):
    """One CONNECT and the one request in it."""

    def handle(self):
        method, target, _ = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        host = target.split(":")[0]
        if method != "CONNECT" or host not in HOSTS:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self.server.tls.wrap_socket(self.connection, server_side=True) as client:
            self.answer(client, host)

    def answer(self, client, host):
        lines = read_head(client).split(b"\r\n")
        self.server.asked.append((host, lines[0].decode().split()[1]))
        labboard = ("Host: %s:%d" % self.server.labboard).encode()
        head = b"\r\n".join(labboard if line.lower().startswith(b"host:") else line for line in lines)
        with socket.create_connection(self.server.labboard) as server:
            server.sendall(head)
            while more := server.recv(65536):
                client.sendall(more)


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def proxy(labboard, folder):
    """Runs the proxy for the labboard at that (host, port); it has `address`, `certificate` and what was `asked`."""
    key, pem = certificate(folder)
    with Proxy(("127.0.0.1", 0), Tunnel) as server:
        server.labboard, server.asked, server.certificate = labboard, [], pem
        server.address = "http://127.0.0.1:%d" % server.server_address[1]
        server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.tls.load_cert_chain(pem, key)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
