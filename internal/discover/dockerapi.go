// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The bounds of what a daemon may send. I3.
const (
	dockerListLimitBytes  = 32 << 20
	dockerEventLimitBytes = 256 << 10
	dockerErrorLimitBytes = 4 << 10
	// dockerWait bounds each question but that for events.
	dockerWait = 10 * time.Second
)

// dockerAPI speaks the few words of the Docker Engine API that are needed.
type dockerAPI struct {
	http http.Client
	// version begins each path: paths without one are deprecated.
	version string
}

// newDockerAPI speaks to host: unix:///path or tcp://host:port.
func newDockerAPI(host string) *dockerAPI {
	network, address, _ := strings.Cut(host, "://")
	return &dockerAPI{http: http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				d := net.Dialer{Timeout: dockerWait}
				return d.DialContext(ctx, network, address)
			},
			DisableCompression:     true, // or the bounds would be those of compressed bytes
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns:           2,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (d *dockerAPI) close() { d.http.CloseIdleConnections() }

// hello learns the version to speak: the daemon's own, since what is read here has
// been the same in all of them.
func (d *dockerAPI) hello(ctx context.Context) error {
	d.version = ""
	ctx, cancel := context.WithTimeout(ctx, dockerWait)
	defer cancel()
	resp, err := d.get(ctx, "/_ping", nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	v := resp.Header.Get("Api-Version")
	if v == "" || len(v) > 16 || strings.Trim(v, "0123456789.") != "" {
		return errors.New("what answers there does not say a version of the Docker API")
	}
	d.version = "/v" + v
	return nil
}

// containers lists the running containers of an upstream whose health is good, or not
// checked.
func (d *dockerAPI) containers(ctx context.Context, upstream string) ([]container, error) {
	ctx, cancel := context.WithTimeout(ctx, dockerWait)
	defer cancel()
	resp, err := d.get(ctx, "/containers/json", map[string][]string{
		"label": {labelUpstream + "=" + upstream}, "status": {"running"}, "health": {"healthy", "none"},
	})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	list, err := readContainers(io.LimitReader(resp.Body, dockerListLimitBytes))
	if err != nil {
		return nil, fmt.Errorf("the list of containers cannot be read: %w", err)
	}
	return list, nil
}

// readContainers reads a list, one by one, so that many are refused before they are
// kept.
func readContainers(r io.Reader) ([]container, error) {
	dec := json.NewDecoder(r)
	if t, err := dec.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('[') {
		return nil, errors.New("it is no list")
	}
	var list []container
	for dec.More() {
		if len(list) == MaxServers {
			return nil, fmt.Errorf("it has more than %d containers", MaxServers)
		}
		var c container
		if err := dec.Decode(&c); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if _, err := dec.Token(); err != nil { // a list that was cut is none
		return nil, err
	}
	return list, nil
}

// follow sends the events of an upstream's containers to out until that fails, and
// closes out. It returns why. The first one is empty: from then on none is missed.
func (d *dockerAPI) follow(ctx context.Context, upstream string, out chan<- dockerEvent) error {
	defer close(out)
	resp, err := d.get(ctx, "/events", map[string][]string{
		"type": {"container"}, "label": {labelUpstream + "=" + upstream},
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	out <- dockerEvent{}
	lines := bufio.NewReaderSize(resp.Body, dockerEventLimitBytes)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errDockerEnded
		case err != nil:
			return fmt.Errorf("the daemon's events cannot be read: %w", err)
		}
		if line = bytes.Trim(line, "\x1e \r\n"); len(line) == 0 {
			continue
		}
		var e dockerEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("an event of the daemon cannot be read: %w", err)
		}
		select {
		case out <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// get asks for path with filters. The caller closes the body.
func (d *dockerAPI) get(ctx context.Context, path string, filters map[string][]string) (*http.Response, error) {
	u := "http://docker" + d.version + path
	if filters != nil {
		text, err := json.Marshal(filters)
		if err != nil {
			panic(err) // strings only
		}
		u += "?filters=" + url.QueryEscape(string(text))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.http.Do(req)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err // without the URL, which says nothing to the owner
		}
		return nil, fmt.Errorf("the Docker daemon cannot be asked: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, refusedBy(resp)
	}
	return resp, nil
}

// refusedBy says what an answer with an error says.
func refusedBy(resp *http.Response) error {
	var said struct{ Message string }
	body, _ := io.ReadAll(io.LimitReader(resp.Body, dockerErrorLimitBytes))
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		return fmt.Errorf("the Docker daemon answers %d", resp.StatusCode)
	}
	return fmt.Errorf("the Docker daemon answers %d: %q", resp.StatusCode, said.Message)
}
