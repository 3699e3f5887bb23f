package listening

import "testing"

// php-fpm starts with listen = *:9000, which its getaddrinfo takes for this machine's loopback; phpsapi ended with "Name or
// service not known".
func TestStarIsLoopback(t *testing.T) {
	t.Parallel()
	known := LookUpAll([]string{"*"})
	addresses, err := known.lookUp("*")
	if err != nil || len(addresses) != 2 || addresses[0].String() != "::1" || addresses[1].String() != "127.0.0.1" {
		t.Errorf("got %v, %v", addresses, err)
	}
}
