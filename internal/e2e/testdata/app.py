"""The article's sample app, with one more route that shows what arrives."""
import socket
import sys

from flask import Flask, jsonify, request

app = Flask(__name__)
hostname = socket.gethostname()


@app.route("/")
def home():
    return f"Hello from the Home page! (EC2 Host: {hostname})\n"


@app.route("/service-a")
def service_a():
    return f"This is Service A! (EC2 Host: {hostname}, Path: {request.path})\n"


@app.route("/service-b")
def service_b():
    return f"This is Service B! (EC2 Host: {hostname}, Path: {request.path})\n"


@app.route("/health")
def health_check():
    return "OK"


@app.route("/headers")
def headers():
    return jsonify({name.lower(): value for name, value in request.headers.items()})


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
