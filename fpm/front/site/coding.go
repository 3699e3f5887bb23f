package site

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The content codings of files that are compressed beforehand. The compressed form of style.css is style.css.br, .zst or .gz.

// endOf returns what a coding adds to a file's name.
func endOf(coding string) string {
	switch coding {
	case "br":
		return ".br"
	case "zstd":
		return ".zst"
	}
	return ".gz"
}

// Accepted returns the codings that a client takes and does not like less than no coding. The one that it prefers comes first; those that it
// prefers equally stay in their order. values are the request's Accept-Encoding headers (RFC 9110, section 12.5.3).
func Accepted(values, codings []string) (accepted []string) {
	if len(values) == 0 {
		return nil
	}
	weights := weighted(values)
	least := max(weights.of("identity", false), 1) // weight 0: not acceptable
	for _, coding := range codings {
		if weights.of(coding, true) >= least {
			accepted = append(accepted, coding)
		}
	}
	slices.SortStableFunc(accepted, func(a, b string) int { return weights.of(b, true) - weights.of(a, true) })
	return accepted
}

// weights are the weights that a client gives to codings, in thousandths.
type weights []weight

type weight struct {
	coding string
	q      int
}

func weighted(values []string) (all weights) {
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			coding, parameters, _ := strings.Cut(element, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding == "x-gzip" {
				coding = "gzip"
			}
			all = append(all, weight{coding, quality(parameters)})
		}
	}
	return all
}

// quality returns the weight of an element, in thousandths. It returns 0 if the weight is malformed.
func quality(parameters string) int {
	parameters = strings.TrimSpace(parameters)
	if parameters == "" {
		return 1000
	}
	name, text, _ := strings.Cut(parameters, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !strings.EqualFold(strings.TrimSpace(name), "q") || err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return int(q * 1000)
}

// of returns the weight of a coding; 0: it is not acceptable. With any, the weight of * counts for a coding that is not named.
func (w weights) of(coding string, any bool) int {
	others := 0
	for _, one := range w {
		if one.coding == coding {
			return one.q
		}
		if one.coding == "*" && any {
			others = one.q
		}
	}
	return others
}

// PrecompressedName returns the name of the form of a file that was compressed by a coding. ok is false if http.deny withholds the form.
func (s *Site) PrecompressedName(file, coding string) (name string, ok bool) {
	name = file + endOf(coding)
	withheld, _ := s.withholds(name[len(s.root):])
	return name, !withheld
}

// OriginalName returns the name of a file by the name of its form in a coding; "": the file itself.
func OriginalName(name, coding string) string {
	if coding == "" {
		return name
	}
	return strings.TrimSuffix(name, endOf(coding))
}

// IsStale reports whether a file's precompressed form is older than the file. Many tools know times to the second only.
func IsStale(form, original time.Time) bool { return form.Unix() < original.Unix() }

// SayStale logs once that a precompressed form is not sent, because it is older than its file. Without a log it returns a Target.Remark.
func (s *Site) SayStale(name string) (remark string) {
	return s.stale.say(s.log, name, "%s is not sent, because it is older than the file that it was made of", name)
}
