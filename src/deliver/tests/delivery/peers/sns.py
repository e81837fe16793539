"""Amazon SNS as moto has it, with its check of signatures switched on. Says its port and the one key that it takes;
for each line on standard input, what was sent since."""

import json
import os
import sys

# The three calls that make the key; every later one must be signed by it, and is checked by botocore's own signer.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import boto3
from moto.server import ThreadedMotoServer
from moto.sns.models import sns_backends

REGION = "eu-central-1"
ACCOUNT = "123456789012"

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
iam = boto3.client(
    "iam",
    region_name=REGION,
    endpoint_url=f"http://127.0.0.1:{port}",
    aws_access_key_id="FAKE-ID",
    aws_secret_access_key="FAKE-SECRET",
)
iam.create_user(UserName="herald")
key = iam.create_access_key(UserName="herald")["AccessKey"]
allowed = {"Effect": "Allow", "Action": ["sns:Publish", "sns:GetSMSAttributes"], "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
iam.put_user_policy(UserName="herald", PolicyName="send", PolicyDocument=policy)
print(port, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
for _ in sys.stdin:
    print(json.dumps(list(sns_backends[ACCOUNT][REGION].sms_messages.values())), flush=True)
server.stop()
