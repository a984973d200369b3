// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "10.1.2.3:0", "192.168.0.1:8081", "example.com:8081", "127.0.0.1", "localhost.evil:1", ""} {
		if ln, err := listenLoopback(address); err == nil {
			_ = ln.Close()
			t.Errorf("%q is listened on", address)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "127.3.2.1:0", "localhost:0"} {
		ln, err := listenLoopback(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		_ = ln.Close()
	}
}

func TestAddressInUseSaysSo(t *testing.T) {
	ts := startServer(t, nil)
	o := testOptions(t)
	o.Listen = ts.Addr().String()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), o.Listen+" is in use") {
		t.Errorf("Start: %v", err)
	}
	if _, err := os.Stat(o.Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the socket was left behind")
	}
}

func TestSocketPermissions(t *testing.T) {
	ts := startServer(t, nil)
	info, err := os.Stat(ts.opts.Socket)
	if err != nil || info.Mode() != fs.ModeSocket|socketMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	info, err = os.Stat(filepath.Dir(ts.opts.Socket))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("folder: mode %v, %v", info.Mode(), err)
	}
}

func TestSocketOfADeadProcessIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	ts := startServer(t, func(o *Options) { o.Socket = path })
	resp, body := ts.ask(ts.socket, http.MethodGet, "/livez")
	ts.wantStatus(200, resp, body)
}

func TestSocketOfALivingProcessIsLeftAlone(t *testing.T) {
	ts := startServer(t, nil)
	_, err := listenUnix(ts.opts.Socket)
	if err == nil || !strings.Contains(err.Error(), "another process listens on it") {
		t.Errorf("a second listener: %v", err)
	}
	resp, body := ts.ask(ts.socket, http.MethodGet, "/livez")
	ts.wantStatus(200, resp, body)
}

func TestAFileThatIsNoSocketIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenUnix(path); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("listenUnix: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "data" {
		t.Errorf("the file is %q now, %v", b, err)
	}
}

func TestSocketPathTooLong(t *testing.T) {
	if _, err := listenUnix("/tmp/" + strings.Repeat("x", 120)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("listenUnix: %v", err)
	}
}

func TestOptionalSocket(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := testOptions(t)
	o.Socket = filepath.Join(file, "admin.sock") // a file is no folder
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("Start succeeds without its socket")
	}
	ts := startServer(t, func(o *Options) { o.Socket, o.SocketOptional = filepath.Join(file, "admin.sock"), true })
	resp, body := ts.get("/livez")
	ts.wantStatus(200, resp, body)
}

// TestShutdownRemovesOnlyItsOwnSocket: a successor that has taken the path keeps it.
func TestShutdownRemovesOnlyItsOwnSocket(t *testing.T) {
	for _, successor := range []bool{false, true} {
		o := testOptions(t)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if successor {
			if err := os.Rename(o.Socket, o.Socket+".old"); err != nil {
				t.Fatal(err)
			}
			ln, err := listenUnix(o.Socket)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(o.Socket); successor != (err == nil) {
			t.Errorf("successor %t: %v", successor, err)
		}
	}
}
