// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"embed"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"causey/lab/real"
)

// realFaults are those that are made with the software that owners have.
var realFaults = slices.Concat(realDial, realUnix, realRequests, realAnswers, realReuse, realWorkers, realStalls,
	realEnds, realDeploys, realRules, realRelayed, realVisitors)

func init() { lists = append(lists, realFaults) }

//go:embed apps
var apps embed.FS

func app(name string) string {
	text, err := apps.ReadFile("apps/" + name)
	if err != nil {
		panic(err) // it is built in
	}
	return string(text)
}

// launch starts a program on the stage. It stands in processes then.
func (s *Stage) launch(p real.Program) (*real.Process, error) {
	p.Dir = s.Dir
	process, err := s.started(real.Start(s.ctx, p))
	if err == nil {
		s.processes = append(s.processes, process)
	}
	return process, err
}

// nodeShop is the shop on Node.
func nodeShop(env ...string) real.Program {
	return real.Program{Name: "node", Programs: []string{"node", "nodejs"}, Package: "nodejs",
		Files: map[string]string{"shop.js": app("shop.js")}, Args: []string{"shop.js"},
		Env: append([]string{"AT={{.Addr}}"}, env...), Ready: real.AnswersHTTP}
}

// gunicornShop is the shop on Python. args are gunicorn's, such as "--workers 2".
func gunicornShop(args string, env ...string) real.Program {
	return real.Program{Name: "gunicorn", Programs: []string{"gunicorn", "gunicorn3"}, Package: "gunicorn",
		Files: map[string]string{"shop.py": app("shop.py")}, Env: env, Ready: real.AnswersHTTP,
		Args: append([]string{"--chdir", "{{.Dir}}", "--worker-tmp-dir", "{{.Dir}}", "--bind", "{{.Addr}}", "shop:application"},
			strings.Fields(args)...)}
}

// onSocket has a gunicorn listen on a unix socket.
func onSocket(p real.Program, path string) real.Program {
	p.Unix, p.Ready, p.Addr = true, real.Accepts, path
	p.Args = slices.Clone(p.Args)
	p.Args[slices.Index(p.Args, "--bind")+1] = "unix:{{.Addr}}"
	return p
}

// phpShop is the shop on php-fpm. pool are lines of its pool.
func phpShop(pool string) real.Program {
	return real.Program{Name: "php-fpm", Programs: []string{"php-fpm8.2", "php-fpm8.4", "php-fpm8.3", "php-fpm"}, Package: "php8.2-fpm",
		Files: map[string]string{"index.php": app("index.php")},
		Templates: map[string]string{"fpm.conf": "[global]\npid = {{.Dir}}/fpm.pid\nerror_log = {{.Log}}\ndaemonize = no\nprocess_control_timeout = {{.Data}}\n" +
			"[www]\nlisten = {{.Addr}}\nlisten.mode = 0666\npm = static\nclear_env = no\nphp_admin_flag[display_errors] = off\n" + pool},
		Data:  "10s", // running scripts may finish at a reload
		Args:  []string{"--nodaemonize", "--no-php-ini", "--prefix", "{{.Dir}}", "--fpm-config", "{{.Dir}}/fpm.conf"},
		Ready: real.Accepts}
}

// nginxProgram is nginx; global stands in its http block, server in its only server.
func nginxProgram(global, server string) real.Program {
	files := map[string]string{}
	for i := range 6 {
		files[strconv.Itoa(i+1)+".css"] = strings.Repeat("p { margin: 0 }\n", 60)
	}
	return real.Program{Name: "nginx", Programs: []string{"nginx"}, Package: "nginx-light", Files: files,
		Templates: map[string]string{"nginx.conf": strings.NewReplacer("GLOBAL", global, "SERVER", server).Replace(nginxConf)},
		Args:      []string{"-p", "{{.Dir}}", "-c", "{{.Dir}}/nginx.conf", "-e", "stderr"}, Ready: real.Accepts}
}

const nginxConf = `daemon off;
worker_processes 1;
pid {{.Dir}}/nginx.pid;
error_log stderr info;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path {{.Dir}}/body;
    proxy_temp_path {{.Dir}}/proxy;
    fastcgi_temp_path {{.Dir}}/fastcgi;
    uwsgi_temp_path {{.Dir}}/uwsgi;
    scgi_temp_path {{.Dir}}/scgi;
    default_type text/css;
    GLOBAL
    server {
        listen {{.Addr}};
        location /static/ { alias {{.Dir}}/; }
        SERVER
    }
}
`

// toPHP is where nginx sends what is no file.
func toPHP(php *real.Process) string {
	return fmt.Sprintf(`location / {
            fastcgi_pass %s;
            fastcgi_param SCRIPT_FILENAME %s/index.php;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
        }`, php.FastCGI(), php.Dir())
}

// toApp is where nginx sends everything to an application that speaks HTTP.
func toApp(addr string) string { return "location / { proxy_pass http://" + addr + "; }" }

// behindNginx sets up PHP with nginx in front, which the gateway is told of.
func (s *Stage) behindNginx(pool, global, upstream string) error {
	php, err := s.launch(phpShop(pool))
	if err != nil {
		return err
	}
	nginx, err := s.launch(nginxProgram(global, toPHP(php)))
	if err != nil {
		return err
	}
	s.Config = shopConfig(upstream, nginx.Addr())
	return nil
}

// shop launches programs, and tells the gateway that they are the servers of the shop.
func (s *Stage) shop(upstream string, programs ...real.Program) error {
	var addrs []string
	for _, p := range programs {
		process, err := s.launch(p)
		if err != nil {
			return err
		}
		addrs = append(addrs, process.Addr())
	}
	s.Config = shopConfig(upstream, addrs...)
	return nil
}

// shopConfig is one site with one upstream. upstream are more lines of that.
func shopConfig(upstream string, servers ...string) string {
	return sitesConfig(section{"shop", upstream, servers})
}

// beside has a second site, which is well, on the stage that set makes: what is confined
// to one shows only where there are two.
func beside(set func(*Stage) error) func(*Stage) error {
	return func(s *Stage) error {
		if err := set(s); err != nil {
			return err
		}
		blog, err := s.launch(nodeShop())
		if err != nil {
			return err
		}
		s.Config = strings.Replace(s.Config, "upstreams:\n", "  - host: blog.example\n    routes: [{path: /, upstream: blog}]\nupstreams:\n", 1) +
			fmt.Sprintf("  blog:\n    servers: [%q]\n", blog.Addr())
		readers := Visitors{PerSecond: 4, Clients: 5, Asks: slices.Clone(Ordinary().Asks)}
		for i := range readers.Asks {
			readers.Asks[i].Host = "blog.example"
		}
		s.Others = append(s.Others, readers)
		return nil
	}
}

// section is one site, NAME.example, and its upstream, NAME.
type section struct {
	name, upstream string
	servers        []string
}

func sitesConfig(sections ...section) string {
	var sites, upstreams strings.Builder
	for _, x := range sections {
		fmt.Fprintf(&sites, "  - host: %s.example\n    routes: [{path: /, upstream: %s}]\n", x.name, x.name)
		fmt.Fprintf(&upstreams, "  %s:\n    servers: [%s]\n", x.name, strings.Join(quoted(x.servers), ", "))
		for line := range strings.Lines(x.upstream) {
			fmt.Fprintf(&upstreams, "    %s\n", strings.TrimRight(line, "\n"))
		}
	}
	return "sites:\n" + sites.String() + "upstreams:\n" + upstreams.String()
}

func quoted(words []string) []string {
	var all []string
	for _, w := range words {
		all = append(all, strconv.Quote(w))
	}
	return all
}

// also has the visitors ask for more than ordinary ones.
func (s *Stage) also(asks ...Ask) { s.Visitors.Asks = append(slices.Clone(s.Visitors.Asks), asks...) }

// times are n of the same program.
func times(n int, p real.Program) []real.Program { return slices.Repeat([]real.Program{p}, n) }

// deploy writes what a deployment brings into the directory of a Node shop, NAME and TEXT
// in turn, and ends the shop, which does not finish what it has begun. It returns then;
// the shop is started again as soon as may be.
func (s *Stage) deploy(at int, namesAndTexts ...string) error {
	p := s.processes[at]
	for i := 0; i < len(namesAndTexts); i += 2 {
		if err := s.write(at, namesAndTexts[i], namesAndTexts[i+1]); err != nil {
			return err
		}
	}
	if err := p.Kill(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.Wait(s.ctx); err != nil {
		return err
	}
	s.meanwhile(p.Restart)
	return nil
}

// supervise starts a process again whenever it has ended, each time after a longer pause
// if there are several.
func (s *Stage) supervise(at int, pauses ...time.Duration) {
	p := s.processes[at]
	s.meanwhile(func(ctx context.Context) error {
		for i := 0; ; i++ {
			if err := p.Wait(ctx); err != nil || !pause(ctx, pauses[min(i, len(pauses)-1)]) {
				return err
			}
			if err := p.Restart(ctx); err != nil {
				s.Logf("supervisor: %v", err) // it ended at its start; try again
			}
		}
	})
}

// meanwhile does something while the fault goes on, until the stage is closed.
func (s *Stage) meanwhile(do func(ctx context.Context) error) {
	ctx, stop := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.Logf("meanwhile: %v", err)
		}
	}()
	s.AtEnd(func() { stop(); <-done })
}

// again does something at intervals until the stage is closed.
func (s *Stage) again(every time.Duration, do func(ctx context.Context) error) {
	s.meanwhile(func(ctx context.Context) error {
		for {
			if err := do(ctx); err != nil || !pause(ctx, every) {
				return err
			}
		}
	})
}

// partner is somebody else's service, which an application calls: it answers at once, or
// not at all.
type partner struct {
	url    string
	silent atomic.Bool
	server *http.Server
}

func (s *Stage) hire() (*partner, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &partner{url: "http://" + ln.Addr().String() + "/pay"}
	p.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.silent.Load() {
			<-r.Context().Done()
			return
		}
		_, _ = w.Write([]byte("paid\n"))
	})}
	go func() { _ = p.server.Serve(ln) }()
	s.AtEnd(func() { _ = p.server.Close() })
	s.kept = p
	return p, nil
}
