// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"causey/internal/metrics"
	"causey/internal/store"
)

// storeFile is the store in the state directory.
const storeFile = "causey.db"

// openStore opens what outlives a restart. dir is the state directory, "" for none.
func openStore(dir string, log *slog.Logger) *store.Store {
	o := store.Options{Now: time.Now, After: time.After, Logger: log}
	if dir != "" {
		o.Path = filepath.Join(dir, storeFile)
	}
	return store.Open(o)
}

// closeStore has the store write what it holds, for flushWait at most.
func closeStore(s *store.Store, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), flushWait)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		log.Error("the gateway ends before everything is written", "error", err)
	}
}

// storeSnapshot tells how the store does, for a scrape.
func storeSnapshot(st store.Stats) metrics.Store {
	return metrics.Store{
		Bytes: st.Bytes, Waiting: st.Waiting, Written: st.Written, Dropped: st.Dropped, Failures: st.Failures, Degraded: !st.Degraded.IsZero(),
		Rows: map[string]int64{"incidents": st.Rows.Incidents, "evidence": st.Rows.Evidence, "exemplars": st.Rows.Exemplars,
			"rules": st.Rows.Rules, "server_overrides": st.Rows.Overrides},
	}
}
