<?php
// What scripts do: strings, arrays, regular expressions, serialization, sorting, closures, generators.
$n = (int) ($_GET['n'] ?? $argv[1] ?? 1);

function words(int $count): Generator
{
    for ($i = 0; $i < $count; $i++) {
        yield 'word' . ($i % 97) => strtoupper(dechex($i * 2654435761 % 4294967296));
    }
}

function slug(string $text): string
{
    return trim(preg_replace('/[^a-z0-9]+/', '-', strtolower($text)), '-');
}

function render(string $template, array $values): string
{
    return preg_replace_callback('/\{\{\s*(\w+)\s*\}\}/', fn ($m) => htmlspecialchars((string) ($values[$m[1]] ?? '')), $template);
}

$total = 0;
for ($round = 0; $round < $n; $round++) {
    $counts = [];
    foreach (words(600) as $key => $word) {
        $counts[$key] = ($counts[$key] ?? 0) + strlen($word);
        $slugs[$key][] = slug("The $word of $key, no. $round!");
    }
    arsort($counts);
    uksort($counts, static fn ($a, $b) => strcmp($a, $b));
    $text = render('<h1>{{ title }}</h1><p>{{ body }}</p>', ['title' => 'A & B', 'body' => implode(', ', array_keys($counts))]);
    $pairs = array_map(null, array_keys($counts), array_values($counts));
    usort($pairs, fn ($a, $b) => $b[1] <=> $a[1] ?: strcmp($a[0], $b[0]));
    $data = json_decode(json_encode(['pairs' => $pairs, 'text' => $text, 'nested' => ['a' => 1.5, 'b' => null, 'c' => [true, false]]]), true);
    $copy = unserialize(serialize($data));
    $total += count($copy['pairs']) + crc32(serialize($copy)) % 7 + substr_count($text, 'word') + strlen(str_replace(['word', '<'], ['w', '&'], $text));
    $filtered = array_filter(array_column($copy['pairs'], 1, 0), static fn ($v) => $v % 2 === 0);
    ksort($filtered);
    $total += array_sum($filtered) + count(array_unique(array_merge(array_keys($filtered), explode('-', slug($text)))));
    $slugs = [];
    try {
        $date = new DateTimeImmutable('2024-02-29 12:00:00 UTC');
        $total += (int) $date->modify('+' . $round . ' days')->format('N');
        throw new RuntimeException(sprintf('%s-%05d', 'round', $round));
    } catch (RuntimeException $e) {
        $total += strlen($e->getMessage());
    } finally {
        $total++;
    }
}
echo $total, "\n";
