using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Relay.AdminCli;

/// <summary>What relayctl shows over the network, and whose word it takes for the relay's certificate.</summary>
/// <param name="Token">From a file or the environment, never from the command line, which every user of the machine can see.</param>
/// <param name="Authorities">Null: those that this machine knows.</param>
internal sealed record Credentials(string? Token, X509Certificate2? Certificate, X509Certificate2Collection? Authorities, string? CaFile)
{
    public const string TokenVariable = "RELAY_TOKEN";
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private static readonly Credentials None = new(null, null, null, null);

    /// <summary>What the options and the environment give for this address; or why that cannot be.</summary>
    public static Credentials? Find(ServerChoice choice, CommandContext context, TextWriter warnings, out Failure? failure)
    {
        var (address, caFile, tokenFile, certificate, key) = choice;
        if (Misplaced(choice) is { } error)
        {
            failure = new Failure(ExitCodes.Usage, error);
            return null;
        }

        failure = null;
        if (address.SocketPath is not null)
        {
            return None;
        }

        try
        {
            var token = ReadToken(tokenFile, context, warnings);
            if (token is not null && !address.IsPrivate)
            {
                throw new InvalidDataException($"The token would be sent to {address} in plain text. Use https://.");
            }

            return new Credentials(
                token,
                certificate is null ? null : Load("--cert", certificate, () => X509Certificate2.CreateFromPemFile(certificate, key ?? certificate)),
                caFile is null ? null : Load("--ca-file", caFile, () => ReadAuthorities(caFile)),
                caFile);
        }
        catch (InvalidDataException e)
        {
            failure = new Failure(ExitCodes.Usage, e.Message);
            return null;
        }
    }

    /// <summary>An option that would have no effect is a misunderstanding: what is wrong, or null.</summary>
    public static string? Misplaced(ServerChoice choice)
    {
        var (address, caFile, tokenFile, certificate, key) = choice;
        var given = (Name: "--token-file", Value: tokenFile);
        var forTls = new[] { (Name: "--ca-file", Value: caFile), (Name: "--cert", Value: certificate), (Name: "--key", Value: key) }.FirstOrDefault(option => option.Value is not null);
        return (address.SocketPath, address.IsTls) switch
        {
            (not null, _) when (given.Value ?? forTls.Value) is not null =>
                $"{(given.Value is not null ? given.Name : forTls.Name)} is for an admin listener on TCP; on the Unix socket {address} you are authenticated by your user. Give --server https://host:port.",
            (null, false) when forTls.Value is not null => $"{forTls.Name} is for TLS, and {address} has none. Give --server https://host:port.",
            _ when key is not null && certificate is null => "--key requires --cert.",
            _ => null,
        };
    }

    private static string? ReadToken(string? file, CommandContext context, TextWriter error)
    {
        var (source, text) = file is null ? (TokenVariable, context.Variable(TokenVariable)) : (file, Load("--token-file", file, () => File.ReadAllText(file)));
        if (file is null && string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (file is not null && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & Others) != 0)
        {
            error.WriteLine($"warning: {Printable.Clean(file)} can be read by others; chmod 600 it");
        }

        var token = text!.Trim();
        return token.Length > 0 && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? token
            : throw new InvalidDataException($"{Printable.Clean(source)} contains no token as printed by `relayctl token create`.");
    }

    private static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("there is no certificate in it");
    }

    private static T Load<T>(string option, string file, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidDataException($"{option}: {Printable.Clean(file)} cannot be used: {Printable.Clean(e.Message)}", e);
        }
    }
}
