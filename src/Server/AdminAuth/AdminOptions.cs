using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Text;
using Relay.Configuration;

namespace Relay.AdminAuth;

/// <summary>The operators' way in, and who may do what there.</summary>
internal sealed class AdminOptions : IValidatableObject
{
    /// <summary>Unix socket for relayctl, made with mode 0660. Empty: $XDG_RUNTIME_DIR/relay/admin.sock, /run/relay/admin.sock for root, else /tmp/relay-UID/admin.sock.</summary>
    public string Socket { get; set; } = "";

    /// <summary>Users (kay, 1000) and groups (@ops, @2000) with read-only rights over the Unix socket. Once one of the three lists has an entry, only listed users and root have rights.</summary>
    public string[] Readers { get; set; } = [];

    /// <summary>Users and groups who may also change limits, ban and disconnect.</summary>
    public string[] Operators { get; set; } = [];

    /// <summary>Users and groups who may do everything.</summary>
    public string[] Admins { get; set; } = [];

    /// <summary>Address and port for relayctl over the network, such as 127.0.0.1:9443 or [::]:9443, with TLS. Empty: the Unix socket only.</summary>
    public string Listen { get; set; } = "";

    /// <summary>Certificate chain in PEM for that address. Goes with KeyFile.</summary>
    [Live(OnlyWhereGiven = true)]
    public string CertificateFile { get; set; } = "";

    /// <summary>Private key in PEM. Goes with CertificateFile.</summary>
    [Live(OnlyWhereGiven = true)]
    public string KeyFile { get; set; } = "";

    /// <summary>Certificates in PEM of the authorities whose client certificates are trusted, with those between, if any.</summary>
    public string ClientCaFile { get; set; } = "";

    /// <summary>Client certificates and their roles: CN=ops=operate (signed by ClientCaFile), or its SHA-256 fingerprint=operate. The first that fits holds.</summary>
    public string[] ClientRoles { get; set; } = [];

    /// <summary>Where the hashes of the tokens are kept, made in `Data:Folder` with the first token, mode 0600.</summary>
    public string TokenFile { get; set; } = "tokens.json";

    /// <summary>Lets Listen be a loopback address without TLS. Tokens are required all the same, and every process that can capture loopback traffic sees them.</summary>
    public bool AllowPlaintextLoopback { get; set; }

    /// <summary>Open connections on each of the two listeners. On Listen, those that have not authenticated are closed to accept new ones.</summary>
    [Range(1, 10_000)]
    public int MaxConnections { get; set; } = 64;

    /// <summary>Calls at once on one connection, watches included.</summary>
    internal int MaxStreams { get; set; } = 32;

    /// <summary>Calls of one connection; those above wait for their turn.</summary>
    internal int RequestsPerSecond { get; set; } = 200;

    /// <summary>Calls of one address with a wrong token or certificate, or none; those above are rejected without a reason. A valid token is accepted all the same.</summary>
    [Range(1, 100_000)]
    public int FailuresPerMinute { get; set; } = 10;

    /// <summary>Secret by which the tokens of admin pages (JWT, HS256) are signed, at least 32 bytes: switches /admin/ws on. Empty: off.</summary>
    [Live]
    [Secret]
    public string JwtSecret { get; set; } = "";

    public bool UsesTls => CertificateFile.Length > 0;

    /// <summary>Where to listen over the network; null: nowhere.</summary>
    public IPEndPoint? ListenEndPoint =>
        Listen.LastIndexOf(':') > Listen.LastIndexOf(']') && IPEndPoint.TryParse(Listen, out var endpoint) ? endpoint : null;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        CheckSocket().Concat(SocketRoles.Check(this)).Concat(CheckListen()).Concat(CheckFiles()).Concat(CertificateRoles.Check(this)).Concat(CheckSecret());

    private IEnumerable<ValidationResult> CheckSocket()
    {
        // The size of the system's structure, including the terminating 0.
        const int MaxPath = 107;
        if (Encoding.UTF8.GetByteCount(AdminSocket.PathOf(this)) is > MaxPath and var length)
        {
            yield return new ValidationResult($"the path of a Unix socket has at most {MaxPath} bytes, and '{AdminSocket.PathOf(this)}' has {length}", [nameof(Socket)]);
        }
    }

    private IEnumerable<ValidationResult> CheckSecret()
    {
        if (JwtSecret.Length > 0 && Encoding.UTF8.GetByteCount(JwtSecret) is < AdminFeedTokens.MinSecretBytes and var length)
        {
            yield return new ValidationResult(
                $"a secret of {length} bytes could be guessed; give at least {AdminFeedTokens.MinSecretBytes}, for example from `openssl rand -base64 32`", [nameof(JwtSecret)]);
        }
    }

    private IEnumerable<ValidationResult> CheckListen()
    {
        if (Listen.Length == 0)
        {
            yield break;
        }

        if (ListenEndPoint is not { } endpoint)
        {
            yield return new ValidationResult($"'{Listen}' is no address with a port; write it like 127.0.0.1:9443 or [::]:9443", [nameof(Listen)]);
        }
        else if (!UsesTls && !IPAddress.IsLoopback(endpoint.Address))
        {
            yield return new ValidationResult("without TLS tokens could be read on the network; give CertificateFile and KeyFile", [nameof(Listen)]);
        }
        else if (!UsesTls && !AllowPlaintextLoopback)
        {
            yield return new ValidationResult(
                "there is no CertificateFile; give one with its KeyFile, or set AllowPlaintextLoopback to go without TLS on this machine", [nameof(Listen)]);
        }
    }

    private IEnumerable<ValidationResult> CheckFiles()
    {
        if (CertificateFile.Length > 0 != KeyFile.Length > 0)
        {
            yield return new ValidationResult(
                "CertificateFile and KeyFile go together; give both for TLS or none", [CertificateFile.Length > 0 ? nameof(KeyFile) : nameof(CertificateFile)]);
        }

        foreach (var (name, file) in new[] { (nameof(CertificateFile), CertificateFile), (nameof(KeyFile), KeyFile), (nameof(ClientCaFile), ClientCaFile) })
        {
            if (file.Length > 0 && !File.Exists(file))
            {
                yield return new ValidationResult($"there is no file '{file}'", [name]);
            }
        }

        if (TokenFile.Length == 0)
        {
            yield return new ValidationResult("a file name is needed", [nameof(TokenFile)]);
        }
    }
}
