using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Relay.Dashboard.Security;

/// <summary>The secret in the address that is printed at the start. Whoever brings it first is the operator, nobody after.</summary>
internal sealed class OneTimeToken
{
    private const int Bytes = 32;

    private readonly byte[] _expected;
    private int _isUsed;

    public OneTimeToken()
    {
        Text = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));
        _expected = Encoding.ASCII.GetBytes(Text);
    }

    /// <summary>256 random bits in base64url.</summary>
    public string Text { get; }

    /// <summary>True for one caller; a wrong text does not use it up.</summary>
    public bool TryUse(string? text) =>
        text is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text), _expected)
        && Interlocked.Exchange(ref _isUsed, 1) == 0;
}
