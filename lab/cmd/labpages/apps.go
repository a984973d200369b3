// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"

	"causey/lab/real"
)

// failing is the one request that most applications fail at: their code breaks.
var failing = shot{name: "failing", path: "/fail", status: 500}

// applications are programs that run an application's code, and frameworks inside of them.
func applications() []subject {
	return append(pythons(), append(rubies(), append(javas(), scripts()...)...)...)
}

// gunicorn runs conf's file name as a WSGI application.
func gunicorn(source string) (real.Program, map[string]string) {
	return real.Program{Programs: []string{"gunicorn"}, Package: "gunicorn", Args: []string{"--chdir", "{{.Dir}}", "--worker-tmp-dir", "{{.Dir}}",
		"--bind", "{{.Addr}}", "app:application"}}, map[string]string{"app.py": source}
}

func pythons() []subject {
	program, bare := gunicorn("bare.py")
	_, django := gunicorn("django.py")
	_, flask := gunicorn("flask.py")
	return []subject{
		{
			product: "gunicorn", title: "gunicorn", version: []string{"gunicorn", "--version"}, program: program, confs: bare,
			shots: []shot{failing, badLine, longHead.with(400).apart()},
		},
		{
			product: "django", title: "Django", version: []string{"dpkg-query", "--show", "--showformat=${Version}", "python3-django"}, program: program, confs: django,
			shots: []shot{failing, {name: "missing", path: "/no", status: 404, held: true}, {name: "bad-host", path: "/suspicious", status: 400},
				{name: "debug", path: "/debug", status: 500}},
		},
		{
			product: "flask", title: "Flask", version: []string{"dpkg-query", "--show", "--showformat=${Version}", "python3-flask"}, program: program, confs: flask,
			shots: []shot{failing, {name: "missing", path: "/no", status: 404}, {name: "unavailable", path: "/abort/503", status: 503, held: true},
				{name: "rate", path: "/abort/429", status: 429}, {name: "gateway", path: "/abort/502", status: 502}},
		},
		{
			product: "uwsgi", title: "uWSGI", version: []string{"uwsgi", "--version"},
			program: real.Program{Programs: []string{"uwsgi"}, Package: "uwsgi-core", Args: []string{"--plugin", "python3", "--http-socket", "{{.Addr}}",
				"--master", "--die-on-term", "--wsgi-file", "{{.Dir}}/app.py"}},
			confs: map[string]string{"app.py": "empty"}, // a program without an application is what it has a page for
			shots: []shot{failing, {name: "start", path: "/", status: 500}},
		},
		{
			product: "uvicorn", title: "uvicorn", version: []string{"uvicorn", "--version"},
			program: real.Program{Programs: []string{"uvicorn"}, Package: "uvicorn",
				Args: []string{"--app-dir", "{{.Dir}}", "--host", "{{.Host}}", "--port", "{{.Port}}", "app:application"}},
			confs: map[string]string{"app.py": "asgi.py"}, shots: []shot{failing, badLine.apart()},
		},
	}
}

func rubies() []subject {
	return []subject{
		{
			product: "puma", title: "Puma", version: []string{"puma", "--version"},
			program: real.Program{Programs: []string{"puma"}, Package: "puma", Args: []string{"--environment", "production", "--bind", "tcp://{{.Addr}}", "{{.Dir}}/config.ru"}},
			confs:   map[string]string{"config.ru": "config.ru"}, shots: []shot{failing, badLine.apart()},
		},
		{
			product: "sinatra", title: "Sinatra", version: []string{"ruby", "-rsinatra/version", "-e", "puts Sinatra::VERSION"},
			program: real.Program{Programs: []string{"puma"}, Package: "puma", Args: []string{"--environment", "production", "--bind", "tcp://{{.Addr}}", "{{.Dir}}/config.ru"}},
			confs:   map[string]string{"config.ru": "sinatra.ru"}, shots: []shot{failing, {name: "missing", path: "/no", status: 404, held: true}},
		},
	}
}

func javas() []subject {
	const tomcat, jetty = "/usr/share/tomcat10", "/usr/share/jetty9"
	return []subject{
		{
			product: "tomcat", title: "Tomcat", version: []string{"java", "-cp", filepath.Join(tomcat, "lib", "catalina.jar"), "org.apache.catalina.util.ServerInfo"},
			program: real.Program{Programs: []string{"java"}, Package: "tomcat10", Args: []string{"-Xmx128m", "-Dcatalina.home=" + tomcat, "-Dcatalina.base={{.Dir}}",
				"-Djava.io.tmpdir={{.Dir}}", "-cp", tomcat + "/bin/bootstrap.jar:" + tomcat + "/bin/tomcat-juli.jar", "org.apache.catalina.startup.Bootstrap", "start"}},
			confs: map[string]string{"conf/server.xml": "server.xml", "conf/web.xml": "web.xml", "webapps/ROOT/fail.jsp": "fail.jsp", "webapps/ROOT/own.jsp": "own.jsp", "logs/keep": "empty"},
			shots: []shot{failing.at("/fail.jsp"), badLine, longHead.with(400), {name: "missing", path: "/no", status: 404}, {name: "unavailable", path: "/own.jsp", status: 503, held: true}},
		},
		{
			product: "jetty", title: "Jetty", version: []string{"dpkg-query", "--show", "--showformat=${Version}", "jetty9"},
			program: real.Program{Programs: []string{"java"}, Package: "jetty9", Args: []string{"-Xmx128m", "-Djava.io.tmpdir={{.Dir}}", "-jar", jetty + "/start.jar",
				"jetty.home=" + jetty, "jetty.base={{.Dir}}", "--module=http,deploy", "jetty.http.host={{.Host}}", "jetty.http.port={{.Port}}"}},
			confs: map[string]string{"webapps/keep": "empty", "resources/keep": "empty"},
			shots: []shot{badLine, longHead, {name: "missing", path: "/no", status: 404, held: true}},
		},
	}
}

func scripts() []subject {
	fpm := &subject{
		product: "php-fpm",
		program: real.Program{Programs: []string{"php-fpm8.2", "php-fpm8.4", "php-fpm"}, Package: "php8.2-fpm",
			Args: []string{"--nodaemonize", "--no-php-ini", "--prefix", "{{.Dir}}", "--fpm-config", "{{.Dir}}/fpm.conf"}},
		confs: map[string]string{"fpm.conf": "fpm.conf"},
	}
	node := func(source string) (real.Program, map[string]string) {
		return real.Program{Programs: []string{"node"}, Package: "nodejs", Args: []string{"{{.Dir}}/app.js", "{{.Host}}", "{{.Port}}"},
			Env: []string{"NODE_PATH=/usr/share/nodejs", "NODE_ENV=production"}}, map[string]string{"app.js": source}
	}
	bare, bareFiles := node("bare.js")
	express, expressFiles := node("express.js")
	return []subject{
		{
			product: "php", title: "PHP", version: []string{"php", "--version"}, behind: fpm,
			program: real.Program{Programs: []string{"nginx"}, Package: "nginx-light", Args: []string{"-p", "{{.Dir}}", "-c", "{{.Dir}}/nginx.conf", "-e", "stderr"}},
			confs: map[string]string{"nginx.conf": "nginx.conf", "php/fatal.php": "fatal.php", "php/memory.php": "memory.php", "php/slow.php": "slow.php",
				"php/html.php": "html.php", "php/parse.php": "parse.php"},
			shots: []shot{{name: "fatal", path: "/php/fatal.php", status: 500}, {name: "memory", path: "/php/memory.php", status: 500},
				{name: "time", path: "/php/slow.php", status: 500, held: true}, {name: "fatal-html", path: "/php/html.php", status: 500},
				{name: "parse", path: "/php/parse.php", status: 500}, {name: "missing", path: "/php/no.php", status: 404}},
		},
		{
			product: "node", title: "Node", version: []string{"node", "--version"}, program: bare, confs: bareFiles, shots: []shot{badLine, longHead.apart()},
		},
		{
			product: "express", title: "Express", version: []string{"node", "-p", "require('/usr/share/nodejs/express/package.json').version"},
			program: express, confs: expressFiles,
			shots: []shot{failing, {name: "missing", path: "/no", status: 404}, {name: "unavailable", path: "/unavailable", status: 503, held: true}},
		},
	}
}
