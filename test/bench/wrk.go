package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// connections are how many wrk keeps busy.
const connections = 16

// visits is what wrk tells of its visits to a page.
type visits struct {
	requests int
	rate     float64 // requests a second
	p50, p99 time.Duration
}

// wrk asks for a page again and again, for so long.
func wrk(url string, seconds int) (visits, error) {
	said, err := exec.Command("wrk", "-t", "2", "-c", strconv.Itoa(connections), "-d", strconv.Itoa(seconds)+"s", "--latency", "--timeout", "10s",
		"-H", "Host: localhost", url).CombinedOutput()
	if err != nil {
		return visits{}, fmt.Errorf("wrk: %w: %s", err, said)
	}
	return parseWrk(string(said))
}

var (
	wrkRequests = regexp.MustCompile(`(?m)^ *(\d+) requests in `)
	wrkRate     = regexp.MustCompile(`(?m)^Requests/sec: +([\d.]+)`)
	wrkP50      = regexp.MustCompile(`(?m)^ +50% +([\d.]+[a-z]+)`)
	wrkP99      = regexp.MustCompile(`(?m)^ +99% +([\d.]+[a-z]+)`)
	wrkErrors   = regexp.MustCompile(`(?m)^ *(Socket errors|Non-2xx).*$`)
)

// parseWrk reads wrk's report. Requests that failed are an error.
func parseWrk(report string) (v visits, err error) {
	if failed := wrkErrors.FindString(report); failed != "" {
		return v, fmt.Errorf("wrk: %s", strings.TrimSpace(failed))
	}
	field := func(pattern *regexp.Regexp) string {
		found := pattern.FindStringSubmatch(report)
		if found == nil {
			err = fmt.Errorf("wrk's report does not have %v:\n%s", pattern, report)
			return "0"
		}
		return found[1]
	}
	requests, rate, p50, p99 := field(wrkRequests), field(wrkRate), field(wrkP50), field(wrkP99)
	if err != nil {
		return v, err
	}
	if v.requests, err = strconv.Atoi(requests); err != nil || v.requests == 0 {
		return v, fmt.Errorf("wrk made %s requests", requests)
	}
	if v.rate, err = strconv.ParseFloat(rate, 64); err != nil {
		return v, err
	}
	if v.p50, err = time.ParseDuration(p50); err != nil {
		return v, err
	}
	v.p99, err = time.ParseDuration(p99)
	return v, err
}
