// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// childMode, in the environment, makes the test binary a process that writes to the store
// at the path in childPath, from the number in childFrom on: as fast as it can, or calmly.
const (
	childMode = "CAUSEY_TEST_STORE_CHILD"
	childPath = "CAUSEY_TEST_STORE_PATH"
	childFrom = "CAUSEY_TEST_STORE_FROM"
	// killRounds is how many processes are killed.
	killRounds = "CAUSEY_TEST_STORE_KILLS"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "":
		os.Exit(m.Run())
	case "hurry":
		os.Exit(writeForEver(400 * time.Microsecond))
	case "calm":
		os.Exit(writeForEver(20 * time.Millisecond))
	}
	fmt.Fprintln(os.Stderr, "no such mode")
	os.Exit(2)
}

// always is an incident that every write of a child updates.
const always = "always"

// writeForEver writes incidents, many at a time, and says the number of each on stdout
// when it is acknowledged, with random pauses. Before that it decides about two servers. It ends in order when stdin does.
func writeForEver(pause time.Duration) int {
	s := Open(Options{Path: os.Getenv(childPath), Now: today, After: time.After, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	first, _ := strconv.Atoi(os.Getenv(childFrom))
	var mu sync.Mutex // a line at a time
	say := func(n int) func(error) {
		return func(err error) {
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				fmt.Fprintf(os.Stdout, "%d\n", n)
			}
		}
	}
	s.PutOverride(Override{Upstream: "shop", Server: "a:1", State: "maintenance", Set: noon}, nil)
	s.PutOverride(Override{Upstream: "shop", Server: "b:1", State: "drain", Set: noon}, nil)
	over := make(chan struct{})
	go func() { io.Copy(io.Discard, os.Stdin); close(over) }()
	for n := first; ; n++ {
		select {
		case <-over:
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := s.Close(ctx); err != nil {
				return 1
			}
			return 0
		default:
		}
		i := incident(fmt.Sprint("i", n), noon.Add(time.Duration(n)*time.Millisecond))
		s.AddEvidence(Evidence{Incident: i.ID, At: i.Opened, Body: i.Body}, nil)
		s.PutExemplar(Exemplar{Exchange: fmt.Sprint("x", n), Incident: i.ID, At: i.Opened, Body: i.Body}, nil)
		s.PutIncident(i, say(n))
		i.ID, i.Body = always, []byte(strconv.Itoa(n))
		s.PutIncident(i, nil)
		time.Sleep(rand.N(pause))
	}
}

// child starts a process that writes.
func child(t *testing.T, mode, path string, from int) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(must(os.Executable()))
	cmd.Env = append(os.Environ(), childMode+"="+mode, childPath+"="+path, fmt.Sprintf("%s=%d", childFrom, from))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, in, bufio.NewScanner(out)
}

// sound demands that SQLite finds nothing wrong with the file.
func sound(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var said string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		t.Fatalf("the file is not sound: %s %v", said, err)
	}
}

// TestKilled: whatever the moment in which a process is killed, the file opens as it is,
// is sound, and has every incident that was acknowledged.
func TestKilled(t *testing.T) { // I1
	rounds := 12
	if text := os.Getenv(killRounds); text != "" {
		rounds = must(strconv.Atoi(text))
	}
	path := filepath.Join(t.TempDir(), "causey.db")
	acknowledged, last := 0, -1
	for round := range rounds {
		from := last + 1
		cmd, _, lines := child(t, "hurry", path, from)
		// From the opening of the file on to some hundred batches.
		timer := time.AfterFunc(time.Duration(rand.IntN(250))*time.Millisecond, func() { cmd.Process.Kill() })
		var said []int
		for lines.Scan() {
			said = append(said, must(strconv.Atoi(lines.Text())))
		}
		cmd.Wait()
		timer.Stop()

		s, log := openAt(t, path)
		for _, n := range said {
			if _, err := s.Incident(t.Context(), fmt.Sprint("i", n)); err != nil {
				t.Errorf("round %d: incident %d was acknowledged: %v", round, n, err)
			}
			last = max(last, n)
		}
		acknowledged += len(said)
		if st := s.Stats(); st.File == "" || st.Rows.Incidents < int64(acknowledged) || log.String() != "" {
			t.Fatalf("round %d: %+v; %d were acknowledged; it says %s", round, st, acknowledged, log)
		}
		// An incident that is updated in the same batch has that state, or a later one.
		if i, err := s.Incident(t.Context(), always); len(said) > 1 && (err != nil || must(strconv.Atoi(string(i.Body))) < last-1) {
			t.Errorf("round %d: %s after %d: %v", round, i.Body, last, err)
		}
		shut(t, s)
		sound(t, path)
	}
	if acknowledged == 0 {
		t.Fatal("nothing was ever acknowledged")
	}
	t.Logf("%d rounds, %d acknowledged", rounds, acknowledged)
}

// TestTwoProcesses: in an upgrade the old process and the new one have the file open at
// the same time, and both write.
func TestTwoProcesses(t *testing.T) { // I7
	path := filepath.Join(t.TempDir(), "causey.db")
	cmd, in, lines := child(t, "calm", path, 0)
	if !lines.Scan() {
		t.Fatal("the other process writes nothing")
	}
	s, log := openAt(t, path) // while that one goes on
	for n := range 20 {
		putIncident(t, s, incident(fmt.Sprint("new", n), noon))
	}
	in.Close()
	said := []string{lines.Text()}
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
	for _, n := range said {
		if _, err := s.Incident(t.Context(), "i"+n); err != nil {
			t.Errorf("the other's incident %s: %v", n, err)
		}
	}
	for n := range 20 {
		if _, err := s.Incident(t.Context(), fmt.Sprint("new", n)); err != nil {
			t.Errorf("our incident %d: %v", n, err)
		}
	}
	if strings.Contains(log.String(), "store") {
		t.Errorf("it says %s", log)
	}
	shut(t, s)
	sound(t, path)
}

// TestOtherWriterIsWaitedFor: while another process is in a transaction, a write waits and
// is not said to be in trouble.
func TestOtherWriterIsWaitedFor(t *testing.T) { // I7
	path := filepath.Join(t.TempDir(), "causey.db")
	s, log := openAt(t, path)
	other, err := openFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	tx, err := other.w.Begin()
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { tx.Rollback() })
	putIncident(t, s, incident("i1", noon))
	if log.String() != "" {
		t.Errorf("it says %s", log)
	}
}
