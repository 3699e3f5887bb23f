package observe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// silence is how long the master may say nothing until it counts as stuck: it says something once a second.
const silence = 15 * time.Second

// live reports whether the master works. heard is when it said something last.
func live(heard, now time.Time) control.Health {
	if silent := now.Sub(heard); silent > silence {
		return control.Health{Reasons: []string{fmt.Sprintf("the master has said nothing for %d seconds", int(silent.Seconds()))}}
	}
	return control.Health{OK: true}
}

// answer answers a question about health: 200 or 503, as text, or as JSON if the client asks for that.
func answer(w http.ResponseWriter, r *http.Request, h control.Health) {
	asJSON := r.URL.Query().Get("format") == "json" || strings.Contains(r.Header.Get("Accept"), "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if asJSON {
		w.Header().Set("Content-Type", "application/json")
	}
	if !h.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if asJSON {
		json.NewEncoder(w).Encode(h)
	} else {
		h.WriteText(w)
	}
}
