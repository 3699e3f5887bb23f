<?php
// Prints the table constants.txt: see TestConstants.
$skip = '/VERSION|^PHP_(BINARY|SAPI|CLI_)|^STD(IN|OUT|ERR)$/';
$out = [];
foreach (get_defined_constants(true) as $extension => $list) {
    if ($extension === 'pcntl' || $extension === 'user') {
        continue; // built into php, not into php-fpm
    }
    foreach ($list as $name => $value) {
        if (preg_match($skip, $name) || ($value !== null && !is_scalar($value)) || strpbrk($name, "=\\") !== false) {
            continue;
        }
        $value = (string) $value;
        if (preg_match('/[^!-~]|^"/', $value)) {
            $value = json_encode($value, JSON_UNESCAPED_SLASHES);
        }
        $out[] = "$name=$value\n";
    }
}
sort($out, SORT_STRING);
echo implode('', $out);
