using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Relay.AdminAuth;

/// <summary>The tokens on disk: hashes, names and dates. Written whole beside the old file and then given its name.</summary>
internal static class TokenFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerOnlyFolder = OwnerOnly | UnixFileMode.UserExecute;

    // A thousand tokens are 300 KiB.
    private const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>What the file has; nothing when there is none. Whatever is wrong with it stops the start.</summary>
    /// <param name="mayTighten">A file that others could read is closed to them.</param>
    public static IReadOnlyList<AdminToken> Load(string path, bool mayTighten = true)
    {
        try
        {
            if (!File.Exists(path))
            {
                return [];
            }

            if (new FileInfo(path).Length > MaxBytes)
            {
                throw Unusable(path, "it is too large");
            }

            if (mayTighten && (File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
            {
                File.SetUnixFileMode(path, OwnerOnly);
            }

            var stored = JsonSerializer.Deserialize(File.ReadAllBytes(path), TokenJson.Default.StoredTokens);
            AdminToken[] tokens = [.. (stored?.Tokens ?? throw Unusable(path, "it holds nothing"))
                .Select(token => token?.ToToken() ?? throw Unusable(path, $"token '{token?.Id}' has no known role, or no hash"))];
            return tokens.DistinctBy(token => token.Id).Count() == tokens.Length ? tokens : throw Unusable(path, "two tokens have the same id");
        }
        catch (JsonException exception)
        {
            throw Unusable(path, exception.Message, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception.Message, exception);
        }
    }

    /// <summary>When this returns the tokens are on the disk. Throws as files do, and then the old file is still there.</summary>
    public static void Save(string path, IEnumerable<AdminToken> tokens)
    {
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnlyFolder);
        var temporary = $"{path}.new";
        using (var file = new FileStream(
            temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            JsonSerializer.Serialize(file, new StoredTokens([.. tokens.Select(StoredToken.Of)]), TokenJson.Default.StoredTokens);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static InvalidDataException Unusable(string path, string why, Exception? inner = null) => new(
        $"The token file '{path}' cannot be used: {why}. Put it back from a backup, or move it away: then no token is valid any more.", inner);
}

/// <summary>What the token file holds.</summary>
internal sealed record StoredTokens(IReadOnlyList<StoredToken?> Tokens);

/// <summary>One token in the file; the hash in base64.</summary>
internal sealed record StoredToken(string Id, string Name, string Role, string Sha256, DateTimeOffset Created, DateTimeOffset Expires, DateTimeOffset? LastUsed = null)
{
    public static StoredToken Of(AdminToken token) => new(
        token.Id, token.Name, token.Role.Word(), Convert.ToBase64String(token.Hash), token.Created, token.Expires, token.LastUsed);

    public AdminToken? ToToken()
    {
        var hash = new byte[SHA256.HashSizeInBytes];
        return AdminRoles.TryParse(Role, out var role) && Convert.TryFromBase64String(Sha256, hash, out var length) && length == hash.Length
            ? new AdminToken(Id, Name, role, hash, Created, Expires, LastUsed)
            : null;
    }
}

/// <summary>Reader and writer of the token file.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StoredTokens))]
internal sealed partial class TokenJson : JsonSerializerContext;
