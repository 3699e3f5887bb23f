package settings

import (
	"fmt"
	"net/netip"
	"strings"
)

// DashboardKey is the key of the addresses of the dashboard, DashboardTokenKey that of the file with its token.
const (
	DashboardKey      = "dashboard.listen"
	DashboardTokenKey = "dashboard.token_file"
)

const (
	dashboardModeKey  = "dashboard.unix_mode"
	dashboardHostsKey = "dashboard.hosts"
)

// Dashboard is what the settings say of the dashboard.
type Dashboard struct {
	Listen    []string // as Settings.Listen; empty: there is none
	Mode      uint32   // of unix sockets among these
	TokenFile string   // empty: nothing can be done by it
	Hosts     []string // names by which browsers may call it, in lower case, besides addresses and localhost
}

func dashboardRows() []Row {
	return []Row{
		{Key: DashboardKey, Flag: "dashboard", Kind: Address, Show: "none",
			Doc: "The addresses of the dashboard, see [DASHBOARD.md](DASHBOARD.md). It is shown to everybody who can connect, with the URLs of requests and the addresses of clients: let it listen on 127.0.0.1 or on a unix socket. off, or empty: none."},
		{Key: dashboardModeKey, Kind: Mode, Default: "0660", Doc: "The permissions of unix sockets among these addresses. Their owner is the master's user."},
		{Key: DashboardTokenKey, Kind: Path, Show: "none",
			Doc: "A file with a token of at least 16 characters, of the master's user or root, which no other user can read. With the token the dashboard can end requests, reload, scale, pause and resume. Empty: it only shows."},
		{Key: dashboardHostsKey, Kind: List,
			Doc: "Names by which browsers may call the dashboard, besides IP addresses and localhost: dash.example.org. Other names are refused, so that no page of another site can read it (DNS rebinding)."},
	}
}

// dashboard makes the Dashboard of texts that were checked.
func (l *loader) dashboard(texts map[string][]string) Dashboard {
	d := Dashboard{}
	for _, text := range texts[DashboardKey] {
		if text != off {
			a, _ := address(text)
			d.Listen = append(d.Listen, a)
		}
	}
	d.Mode, _ = mode(first(texts[dashboardModeKey]))
	d.TokenFile = first(texts[DashboardTokenKey])
	for _, name := range texts[dashboardHostsKey] {
		d.Hosts = append(d.Hosts, strings.ToLower(name))
	}
	return d
}

// dashboardHost checks an entry of dashboard.hosts.
func dashboardHost(text string) error {
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return fmt.Errorf("%q is an address, and those are allowed: write names only", text)
	}
	if text == "" || strings.ContainsAny(text, ":/*@ ") {
		return fmt.Errorf("%q is not a name without scheme and port, such as dash.example.org", text)
	}
	return nil
}
