using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Relay.Native;

namespace Relay.Identity;

/// <summary>The key file: read if it is there, else made whole, never written over.</summary>
internal static partial class IdentityFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerOnlyFolder = OwnerOnly | UnixFileMode.UserExecute;

    // The file has 300 bytes; whatever is larger is something else.
    private const int MaxBytes = 64 * 1024;

    /// <summary>The seed in the file; a file made just now when there was none. Whatever is wrong stops the start.</summary>
    public static byte[] LoadOrCreate(string path, ILogger logger)
    {
        path = Path.GetFullPath(path);
        try
        {
            if (TryLoad(path, logger) is { } seed)
            {
                return seed;
            }

            Create(path);
            Log.Created(logger, path);

            // Read back: if another process was faster, its key is the key.
            return TryLoad(path, logger) ?? throw Unusable(path, "it vanished while it was made");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Path.Exists(path) ? Unusable(path, exception.Message.TrimEnd('.'), exception) : new InvalidDataException(
                $"The server key file '{path}' cannot be made: {exception.Message.TrimEnd('.')}. Let relayd's user write to its folder, or name another file in Identity:KeyFile.",
                exception);
        }
    }

    /// <summary>Throws what a start would throw for the file that is there; where there is none, one is made then.</summary>
    public static void Check(string path)
    {
        try
        {
            TryLoad(Path.GetFullPath(path), logger: null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception.Message.TrimEnd('.'), exception);
        }
    }

    // Without a log its mode is left as it is.
    private static byte[]? TryLoad(string path, ILogger? logger)
    {
        byte[] bytes;
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > MaxBytes)
            {
                throw Unusable(path, "it is too large to be a key");
            }

            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        try
        {
            var seed = Check(path, JsonSerializer.Deserialize(bytes, IdentityJson.Default.StoredIdentity));
            if (logger is not null)
            {
                Tighten(path, logger);
            }

            return seed;
        }
        catch (JsonException exception)
        {
            throw Unusable(path, "it is no JSON with the fields serverId, nodeId, publicKey and privateKey", exception);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static byte[] Check(string path, StoredIdentity? stored)
    {
        var seed = new byte[ServerId.KeyBytes];
        if (stored is null || !Convert.TryFromBase64String(stored.PrivateKey, seed, out var length) || length != seed.Length)
        {
            throw Unusable(path, "privateKey is not 32 bytes in base64");
        }

        var expected = Describe(seed);
        return stored == expected
            ? seed
            : throw Unusable(path, "its serverId, nodeId or publicKey does not belong to its privateKey");
    }

    private static StoredIdentity Describe(byte[] seed)
    {
        using var key = Ed25519.ImportSeed(seed);
        var publicKey = Ed25519.PublicKeyOf(key);
        return new StoredIdentity(
            ServerId.Format(publicKey), ServerId.NodeId(publicKey), Convert.ToBase64String(publicKey), Convert.ToBase64String(seed));
    }

    // A reader sees the whole file or none: written beside it, forced to disk, then given its name.
    private static void Create(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnlyFolder);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(
            Describe(RandomNumberGenerator.GetBytes(ServerId.KeyBytes)), IdentityJson.Default.StoredIdentity);
        var temporary = $"{path}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}.new";
        try
        {
            using (var file = new FileStream(
                temporary,
                new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            // A move that must not replace looks first and renames then; a link is refused where there is a file by that name,
            // and where it is refused for another reason, such as a disk without links, the move has to do.
            if (!FileSystem.TryLink(temporary, path) && !File.Exists(path))
            {
                File.Move(temporary, path, overwrite: false);
            }
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process made it first.
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
            File.Delete(temporary);
        }
    }

    private static void Tighten(string path, ILogger logger)
    {
        var mode = File.GetUnixFileMode(path);
        if ((mode & ~OwnerOnlyFolder) == 0)
        {
            return;
        }

        try
        {
            File.SetUnixFileMode(path, mode & OwnerOnlyFolder);
            Log.Tightened(logger, path);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            // Not our file, or on a read-only file system, as when a secret is mounted. The key itself is good.
            Log.Exposed(logger, path);
        }
    }

    private static InvalidDataException Unusable(string path, string why, Exception? inner = null) => new(
        $"The server key file '{path}' cannot be used: {why}. Put the file back from a backup, correct its owner and mode, or "
        + "name another file in Identity:KeyFile. It is never replaced automatically; moving it away makes a new key, and with it a new server id, at the next start.",
        inner);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Made a new server key in {Path}")]
        public static partial void Created(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Warning, "The server key file {Path} could be read by others; its mode is 0600 now. If others use this machine, make a new key")]
        public static partial void Tightened(ILogger logger, string path);

        [LoggerMessage(3, LogLevel.Warning, "The server key file {Path} can be read by others, and its mode cannot be changed by this user; set it to 0600")]
        public static partial void Exposed(ILogger logger, string path);
    }
}

/// <summary>What the key file holds; key and seed in standard base64.</summary>
internal sealed record StoredIdentity(string ServerId, string NodeId, string PublicKey, string PrivateKey)
{
    // A record would print its fields.
    public override string ToString() => ServerId;
}

/// <summary>Reader and writer of the key file.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StoredIdentity))]
internal sealed partial class IdentityJson : JsonSerializerContext;
