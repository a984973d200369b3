from flask import Flask, abort

application = Flask(__name__)


@application.route("/fail")
def fail():
    raise RuntimeError("made to fail")


@application.route("/abort/<int:status>")
def refuse(status):
    abort(status)
