"""An S3 server for tests: moto's, over TLS, which checks keys, signatures and rights.

    python3 -m venv venv && venv/bin/pip install -r e2e/s3/requirements.txt
    venv/bin/python e2e/s3/server.py BUCKET CERTIFICATE KEY [LOST...]

Prints one line of JSON: where it listens, and the keys of somebody who may read and write the bucket and
of somebody who may only read it. It ends with its standard input. Of each key LOST in the bucket, the
first PUT is done and its answer lost: the connection is closed instead.
"""

import json
import socket
import ssl
import sys
import threading

import boto3
from moto import settings
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

READ = ["s3:GetObject", "s3:ListBucket"]
WRITE = READ + ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]


class Quiet(WSGIRequestHandler):
    """Tells its standard error of failures alone."""

    def log_request(self, code="-", size="-"):
        pass


class LosesAnswers:
    """Does what is asked and, once for each of `paths`, says nothing of it."""

    def __init__(self, app, paths):
        self.app, self.paths, self.lock = app, set(paths), threading.Lock()

    def __call__(self, environ, start_response):
        body = self.app(environ, start_response)
        with self.lock:
            lost = environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"] in self.paths
            self.paths.discard(environ["PATH_INFO"] if lost else None)
        if lost:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return body


def user(iam, name, actions):
    """Keys of somebody who may do `actions`."""
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def main(bucket, certificate, key, *lost):
    moto = DomainDispatcherApplication(create_backend_app)
    app = LosesAnswers(moto, [f"/{bucket}/{path}" for path in lost])
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    # Werkzeug's own TLS shakes hands where it accepts: one client that is slow would hold up all.
    server.ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.ssl_context.load_cert_chain(certificate, key)
    server.socket = server.ssl_context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"https://127.0.0.1:{server.server_port}"
    anybody = {"aws_access_key_id": "setup", "aws_secret_access_key": "setup"}
    client = lambda name: boto3.client(
        name, endpoint_url=endpoint, region_name="us-east-1", verify=certificate, **anybody
    )
    client("s3").create_bucket(Bucket=bucket)
    iam = client("iam")
    keys = {"writer": user(iam, "writer", WRITE), "reader": user(iam, "reader", READ)}
    # From here on it asks who calls.
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    print(json.dumps({"endpoint": endpoint, **keys}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
