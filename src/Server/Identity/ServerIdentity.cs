using System.Security.Cryptography;
using System.Text;
using NSec.Cryptography;
using Relay.Protocol;

namespace Relay.Identity;

/// <summary>This server's key and the names that follow from it. Safe from any thread: nothing changes after construction.</summary>
internal sealed class ServerIdentity : IDisposable
{
    private const int NonceBytes = 32;

    // Binds the greeting to its purpose, so that no other signature of ours can pass for it.
    private const string BindingContext = "relay-identity-v1";

    private readonly Key _key;

    public ServerIdentity(ReadOnlySpan<byte> seed)
    {
        _key = Ed25519.ImportSeed(seed);
        PublicKey = Ed25519.PublicKeyOf(_key);
        PublicKeyBase64 = Convert.ToBase64String(PublicKey);
        ServerId = Identity.ServerId.Format(PublicKey);
        NodeId = Identity.ServerId.NodeId(PublicKey);
        PseudonymSecret = HMACSHA256.HashData(seed, "relay-pseudonyms-v1"u8);
    }

    public string ServerId { get; }

    public string NodeId { get; }

    public byte[] PublicKey { get; }

    /// <summary>A secret that follows from the key, for pseudonyms in what is stored.</summary>
    public byte[] PseudonymSecret { get; }

    public string PublicKeyBase64 { get; }

    /// <summary>Takes the key from its file, which is made if it is missing. Throws <see cref="InvalidDataException"/> when it cannot be used.</summary>
    public static ServerIdentity LoadOrCreate(IdentityOptions options, ILogger<ServerIdentity> logger)
    {
        var seed = IdentityFile.LoadOrCreate(options.KeyFile, logger);
        try
        {
            return new ServerIdentity(seed);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        Ed25519.Verify(publicKey, data, signature);

    public byte[] Sign(ReadOnlySpan<byte> data) => Ed25519.Sign(_key, data);

    /// <summary>
    /// Proof that we hold the key, with a nonce of its own. The plain signature is what the apps check; the
    /// binding says who speaks and when, too.
    /// </summary>
    public ServerIdentityMessage Prove(TimeProvider time)
    {
        var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
        var nonceText = Convert.ToBase64String(nonce);
        var timestamp = time.GetUtcNow().ToUnixTimeMilliseconds();
        var bound = Encoding.UTF8.GetBytes(FormattableString.Invariant($"{BindingContext}\n{ServerId}\n{timestamp}\n{nonceText}"));
        return new ServerIdentityMessage(
            PublicKeyBase64, nonceText, Convert.ToBase64String(Sign(nonce)), timestamp, Convert.ToBase64String(Sign(bound)));
    }

    public void Dispose() => _key.Dispose();
}
