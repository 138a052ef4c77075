#!/bin/bash
# Drawbridge's sample app: the article's Flask app as a service.
# It installs Flask from PyPI, so the subnet needs a way out (a NAT gateway).
set -euxo pipefail

for try in 1 2 3 4 5; do
  dnf install -y python3 python3-pip && pip3 install flask && break
  sleep 10
done

install -d -m 0755 /opt/my-api
cat > /opt/my-api/app.py <<'APP'
from flask import Flask, request
import os
import socket

app = Flask(__name__)

hostname = socket.gethostname()

@app.route('/')
def home():
    return f"Hello from the Home page! (EC2 Host: {hostname})\n"

@app.route('/service-a')
def service_a():
    return f"This is Service A! (EC2 Host: {hostname}, Path: {request.path})\n"

@app.route('/service-b')
def service_b():
    return f"This is Service B! (EC2 Host: {hostname}, Path: {request.path})\n"

@app.route('/health')
def health_check():
    return "OK"

if __name__ == '__main__':
    # All addresses: the load balancer comes in from outside.
    app.run(host='0.0.0.0', port={{PORT}})
APP

cat > /etc/systemd/system/my-api.service <<'UNIT'
[Unit]
Description=Drawbridge sample app
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/bin/python3 /opt/my-api/app.py
DynamicUser=yes
Restart=always

[Install]
WantedBy=multi-user.target
UNIT

systemctl daemon-reload
systemctl enable --now my-api
