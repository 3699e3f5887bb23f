package tracecontext

// mostEntries is how many entries a tracestate may have.
const mostEntries = 32

// MostState is the longest tracestate that is passed on, in bytes: the specification asks for 512.
const MostState = 2048

// IsState reports whether a tracestate is well formed. One that is not is not passed on.
func IsState(state []byte) bool {
	if len(state) > MostState {
		return false
	}
	entries := 0
	for begun := 0; begun <= len(state); {
		end := begun
		for end < len(state) && state[end] != ',' {
			end++
		}
		entry := trim(state[begun:end])
		begun = end + 1
		if len(entry) == 0 {
			continue
		}
		if entries++; entries > mostEntries || !isEntry(entry) {
			return false
		}
	}
	return entries > 0
}

// trim takes the blanks off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

func isEntry(entry []byte) bool {
	at := 0
	for at < len(entry) && entry[at] != '=' {
		at++
	}
	if at == len(entry) {
		return false
	}
	return isKey(entry[:at]) && isValue(entry[at+1:])
}

// isKey reports whether an entry's key is one: a name, or a tenant and a system with @ between them.
func isKey(key []byte) bool {
	const mostKey, mostTenant, mostSystem = 256, 241, 14
	tenant := -1
	for i, c := range key {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '@' && tenant < 0 && i > 0:
			tenant = i
		case i > 0 && i != tenant+1 && (c == '_' || c == '-' || c == '*' || c == '/'):
		default:
			return false
		}
	}
	if tenant < 0 {
		return len(key) > 0 && len(key) <= mostKey
	}
	system := len(key) - tenant - 1
	return tenant <= mostTenant && system > 0 && system <= mostSystem
}

// isValue reports whether an entry's value is one.
func isValue(value []byte) bool {
	if len(value) == 0 || len(value) > 256 {
		return false
	}
	for _, c := range value {
		if c < ' ' || c > '~' || c == '=' {
			return false
		}
	}
	return true
}
