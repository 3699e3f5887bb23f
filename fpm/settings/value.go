package settings

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// list takes a value of viper's, a text or what YAML makes of a list, apart.
func list(value any) ([]string, error) {
	var all []string
	add := func(text string) {
		for _, item := range strings.Split(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				all = append(all, item)
			}
		}
	}
	switch v := value.(type) {
	case []string:
		for _, item := range v {
			add(item)
		}
	case []any:
		for _, item := range v {
			text, err := scalar(item)
			if err != nil {
				return nil, err
			}
			add(text)
		}
	default:
		text, err := scalar(value)
		if err != nil {
			return nil, err
		}
		add(text)
	}
	return all, nil
}

// scalar is a value that is not a list.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []string:
		return strings.Join(v, ","), nil
	case int, int64, uint64, bool, float64:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("is a list or a map: write one value")
}

// duration reads a Duration. zero is Row.Zero.
func duration(text, zero string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if n, wrong := strconv.Atoi(text); wrong == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time: write 30s, 1m30s, 500ms, a number of seconds, or 0 for %s", text, cmp.Or(zero, noLimit))
	}
	return d, nil
}

// noLimit is what 0 means unless Row.Zero says otherwise.
const noLimit = "no limit"

// size reads a Size. zero is Row.Zero.
func size(text, zero string) (int64, error) {
	number, shift := text, 0
	if n := len(text); n > 0 {
		switch text[n-1] {
		case 'k', 'K':
			number, shift = text[:n-1], 10
		case 'm', 'M':
			number, shift = text[:n-1], 20
		case 'g', 'G':
			number, shift = text[:n-1], 30
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a size: write a number of bytes, a number with K, M or G, or 0 for %s", text, cmp.Or(zero, noLimit))
	}
	return n << shift, nil
}

// number reads a Number.
func number(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of 0 or more", text)
	}
	return n, nil
}

// mode reads a Mode.
func mode(text string) (uint32, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q is not a mode: write octal digits such as 0660", text)
	}
	return uint32(n), nil
}

// absolute is a path from where it was given.
func absolute(path, base string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// maxSocketPath is the length of a unix socket's path, without its NUL (unix(7)). php-fpm cuts longer ones.
const maxSocketPath = 107

// address checks an Address and takes "unix:" away.
func address(text string) (string, error) {
	if path, unix := strings.CutPrefix(text, "unix:"); unix || strings.HasPrefix(text, "/") {
		if !filepath.IsAbs(path) {
			return "", fmt.Errorf("%q: the path of a unix socket must be absolute", text)
		}
		if len(path) > maxSocketPath {
			return "", fmt.Errorf("%q: the path of a unix socket may have %d bytes, this one has %d", text, maxSocketPath, len(path))
		}
		return path, nil
	}
	port := text[strings.LastIndexByte(text, ':')+1:]
	host := strings.TrimSuffix(strings.TrimSuffix(text, port), ":")
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("%q is not an address: write :8080, 127.0.0.1:8080, [::1]:8080 or unix:/path, with a port from 1 to 65535", text)
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	inner, shut := strings.CutSuffix(inner, "]")
	_, err := netip.ParseAddr(inner)
	if bracketed != shut || bracketed && err != nil || !bracketed && strings.Contains(host, ":") || strings.ContainsAny(host, "/ ") {
		return "", fmt.Errorf("%q is not an address: write an IPv6 address in brackets, [::1]:8080", text)
	}
	return strings.TrimPrefix(text, ":"), nil
}

// proxy checks an entry of http.trusted_proxies.
func proxy(text string) error {
	if text == "unix" {
		return nil
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return nil
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	return fmt.Errorf("%q is not an address, a network such as 10.0.0.0/8, or the word unix", text)
}

// host checks an entry of a site's hosts.
func host(text string) error {
	name := strings.TrimPrefix(text, "*.")
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		name = strings.ReplaceAll(name, ":", "")
	}
	if name == "" || strings.HasSuffix(name, ".") || strings.ContainsAny(name, "*:/ ") {
		return fmt.Errorf("%q is not a host: write example.org or *.example.org, without a port; a site without hosts answers for all", text)
	}
	return nil
}
