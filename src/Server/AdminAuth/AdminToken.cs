using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Relay.AdminAuth;

/// <summary>A token as the relay keeps it: not the token itself but its hash. 256 random bits need no slow hash: they cannot be guessed.</summary>
internal sealed class AdminToken(string id, string name, AdminRole role, byte[] hash, DateTimeOffset created, DateTimeOffset expires, DateTimeOffset? lastUsed)
{
    private const string Prefix = "relay_";
    private const int IdDigits = 8;
    private const int SecretBytes = 32;

    // Ticks of UTC, atomic; 0: never used.
    private long _lastUsed = lastUsed?.UtcTicks ?? 0;

    public string Id => id;

    public string Name => name;

    public AdminRole Role => role;

    public ReadOnlySpan<byte> Hash => hash;

    public DateTimeOffset Created => created;

    public DateTimeOffset Expires => expires;

    /// <summary>To the minute.</summary>
    public DateTimeOffset? LastUsed => Interlocked.Read(ref _lastUsed) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public bool HasExpired(DateTimeOffset now) => now >= expires;

    /// <summary>True when the last use on record is a minute old, and this one has replaced it.</summary>
    public bool TryUse(DateTimeOffset now)
    {
        var last = Interlocked.Read(ref _lastUsed);
        return now.UtcTicks - last >= TimeSpan.TicksPerMinute && Interlocked.CompareExchange(ref _lastUsed, now.UtcTicks, last) == last;
    }

    /// <summary>Whether the other is this token with nothing changed but its use.</summary>
    public bool IsSame(AdminToken other) =>
        (id, name, role, created, expires) == (other.Id, other.Name, other.Role, other.Created, other.Expires) && Hash.SequenceEqual(other.Hash);

    /// <summary>Whether the text is this token, in the same time for every wrong one.</summary>
    public bool Is(string text) => CryptographicOperations.FixedTimeEquals(hash, HashOf(text));

    /// <summary>A new token, and its text, which cannot be recovered later.</summary>
    public static (AdminToken Token, string Text) Create(string name, AdminRole role, DateTimeOffset now, TimeSpan lifetime)
    {
        var id = RandomNumberGenerator.GetHexString(IdDigits, lowercase: true);
        var text = $"{Prefix}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}";
        return (new AdminToken(id, name, role, HashOf(text), now, now + lifetime, null), text);
    }

    /// <summary>The id that a token's text begins with; null: this is no token at all.</summary>
    public static string? IdIn(string text) =>
        text.Length == TextLength && text.StartsWith(Prefix, StringComparison.Ordinal) && text[Prefix.Length + IdDigits] == '_'
            ? text.Substring(Prefix.Length, IdDigits)
            : null;

    public override string ToString() => $"token {name} ({id})";

    private static int TextLength { get; } = Prefix.Length + IdDigits + 1 + Base64Url.GetEncodedLength(SecretBytes);

    private static byte[] HashOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
