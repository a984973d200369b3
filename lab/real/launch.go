// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"

	"golang.org/x/sys/unix"

	"causey/lab/pattern"
)

// apps holds the configurations (templates) and applications.
//
//go:embed apps
var apps embed.FS

// recipe is what differs between the servers.
type recipe struct {
	name     string
	programs []string // the first that is found is taken
	pkg      string   // Debian package
	options  Options
	network  string            // "" is tcp; "unix" listens on a socket in the directory
	files    map[string]string // file in the directory: file in apps
	given    map[string][]byte // file in the directory: its content
	texts    map[string]string // file in the directory, perhaps below it: a template of its content
	data     any               // what the templates see as .Data
	args     []string          // templates too
	env      []string          // and these
	serves   string            // subdirectory that Provide fills
	probe    func(*Process) func(context.Context) error
}

// view is what a template sees.
type view struct {
	Dir, Addr, Log string
	Data           any
}

// Host and Port are the parts of Addr, for servers that want them apart.
func (v view) Host() string { host, _, _ := net.SplitHostPort(v.Addr); return host }
func (v view) Port() string { _, port, _ := net.SplitHostPort(v.Addr); return port }

const nobody = 65534 // uid and gid of "nobody" and "nogroup" on Debian

// start makes the directory, writes the files, runs the program and waits until it answers.
func (r recipe) start(ctx context.Context) (*Process, error) {
	program, err := r.find()
	if err != nil {
		return nil, err
	}
	p := &Process{name: r.name, network: r.network, addr: r.options.Addr, program: program}
	if p.dir, err = makeDir(r.options.Dir, r.name); err != nil {
		return nil, err
	}
	if err := r.launch(p); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.dir))
	}
	if err := p.ready(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func (r recipe) find() (string, error) {
	for _, name := range r.programs {
		for _, candidate := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
			if path, err := exec.LookPath(candidate); err == nil {
				return path, nil
			}
		}
	}
	return "", ErrMissing{r.programs[0], r.pkg} // I4
}

// makeDir makes the server's directory, owned by whom it will run as.
func makeDir(parent, name string) (string, error) {
	dir, err := os.MkdirTemp(parent, "causey-lab-"+name+"-")
	if err != nil {
		return "", err
	}
	if err := Give(dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// Give makes dir a directory that servers may write to, and anybody may walk through.
func Give(dir string) error {
	err := os.Chmod(dir, 0o755)
	if err == nil && os.Geteuid() == 0 {
		err = os.Chown(dir, nobody, nobody)
	}
	return err
}

func (r recipe) launch(p *Process) error {
	var err error
	switch {
	case r.network == "unix" && p.addr == "":
		p.addr = filepath.Join(p.dir, "socket")
	case r.network == "unix":
	case p.addr == "":
		p.addr, err = FreeAddr("0")
	default: // or the probe would take another's answer for ours
		p.addr, err = tryAddr(p.addr)
	}
	if err != nil {
		return err
	}
	if p.network == "" {
		p.network = "tcp"
	}
	if r.serves != "" {
		p.files = filepath.Join(p.dir, r.serves)
		if err := os.MkdirAll(filepath.Join(p.files, "size"), 0o755); err != nil {
			return err
		}
	}
	v := view{Dir: p.dir, Addr: p.addr, Log: filepath.Join(p.dir, logName), Data: r.data}
	for name, source := range r.files {
		if err := writeApp(filepath.Join(p.dir, name), source, v); err != nil {
			return err
		}
	}
	for name, content := range r.given {
		if err := os.WriteFile(filepath.Join(p.dir, name), content, 0o644); err != nil {
			return err
		}
	}
	if err := writeTexts(p.dir, r.texts, v); err != nil {
		return err
	}
	if p.args, err = expandAll(r.args, v); err != nil {
		return err
	}
	if p.env, err = expandAll(r.env, v); err != nil {
		return err
	}
	p.probe = r.probe(p)
	return p.exec()
}

// exec runs the program in its own process group, with a bare environment, and not as root.
func (p *Process) exec() error {
	out, err := os.OpenFile(filepath.Join(p.dir, logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := out.Chown(nobody, nobody); err != nil {
			return err
		}
	}
	p.exited, p.reap, p.reaped = make(chan struct{}), make(chan struct{}), make(chan struct{})
	p.cmd = exec.Command(p.program, p.args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = p.dir, out, out, attr
	p.cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C.UTF-8", "HOME=" + p.dir, "TMPDIR=" + p.dir,
		"PYTHONDONTWRITEBYTECODE=1"}
	p.cmd.Env = append(p.cmd.Env, p.env...)
	started := make(chan error, 1)
	go p.run(started)
	return <-started
}

func writeApp(path, source string, v view) error {
	text, err := apps.ReadFile("apps/" + source)
	if err != nil {
		return err
	}
	if filepath.Ext(source) == ".tmpl" {
		if text, err = expand(string(text), v); err != nil {
			return err
		}
	}
	return os.WriteFile(path, text, 0o755) // a CGI script has to be executable; the others do not mind
}

// writeTexts writes files whose templates the caller brought. Who the server runs as may write beside them.
func writeTexts(dir string, texts map[string]string, v view) error {
	for name, text := range texts {
		content, err := expand(text, v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			return err
		}
		if os.Geteuid() != 0 {
			continue
		}
		for at := path; at != dir; at = filepath.Dir(at) {
			if err := os.Chown(at, nobody, nobody); err != nil {
				return err
			}
		}
	}
	return nil
}

func expandAll(texts []string, v view) ([]string, error) {
	var all []string
	for _, text := range texts {
		expanded, err := expand(text, v)
		if err != nil {
			return nil, err
		}
		all = append(all, string(expanded))
	}
	return all, nil
}

func expand(text string, v view) ([]byte, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// FreeAddr is a random address of 127.0.0.0/8 with this port, or with a free one for "0". The port is free again when a
// server takes it; that nobody takes it meanwhile, or while that server is dead, is as good as certain, since ephemeral
// ports are handed out on 127.0.0.1.
func FreeAddr(port string) (string, error) {
	return tryAddr(fmt.Sprintf("127.%d.%d.%d:%s", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254), port))
}

// tryAddr takes the address for a moment. It does not listen: a process that is being started has all descriptors of
// this one until it becomes another program, and an address where such a one listens is free for nobody.
func tryAddr(addr string) (string, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return "", err
	}
	family, to := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: at.Addr().As16(), Port: int(at.Port())})
	if at.Addr().Is4() {
		family, to = unix.AF_INET, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, to)); err != nil {
		return "", fmt.Errorf("bind %s: %w", addr, err)
	}
	port := int(at.Port())
	switch name, _ := unix.Getsockname(fd); name := name.(type) {
	case *unix.SockaddrInet4:
		port = name.Port
	case *unix.SockaddrInet6:
		port = name.Port
	}
	return netip.AddrPortFrom(at.Addr(), uint16(port)).String(), nil
}

// Provide makes sure that n bytes of the pattern can be downloaded, and returns the path.
func (p *Process) Provide(n int64) (string, error) {
	path := fmt.Sprintf("/size/%d", n)
	if p.files == "" {
		return path, nil
	}
	f, err := os.Create(filepath.Join(p.files, path))
	if err != nil {
		return "", err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, pattern.NewReader(n), make([]byte, pattern.BlockBytes))
	return path, errors.Join(err, f.Close())
}

// answersHTTP is the probe of an HTTP server: GET / is answered 200.
func answersHTTP(p *Process) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET / is answered %s", resp.Status)
		}
		return nil
	}
}

// accepts is the probe of any other server: it can be connected to.
func accepts(p *Process) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		nc, err := d.DialContext(ctx, p.network, p.addr)
		if err != nil {
			return err
		}
		return nc.Close()
	}
}
