using System.ComponentModel.DataAnnotations;

namespace Relay.Access;

/// <summary>The operators' way in, and who may do what there.</summary>
internal sealed class AdminOptions : IValidatableObject
{
    /// <summary>Unix socket for relayctl, made with mode 0660. Empty: $XDG_RUNTIME_DIR/relay/admin.sock, /run/relay/admin.sock for root, else /tmp/relay-UID/admin.sock.</summary>
    public string Socket { get; set; } = "";

    /// <summary>Users (names or numbers) who may look, over the Unix socket. As soon as one of the six lists has an entry, who is in none may do nothing; root may always do all.</summary>
    public string[] ReadUsers { get; set; } = [];

    /// <summary>Groups (names or numbers) whose members may look.</summary>
    public string[] ReadGroups { get; set; } = [];

    /// <summary>Users who may also change limits, ban and disconnect.</summary>
    public string[] OperateUsers { get; set; } = [];

    /// <summary>Groups whose members may also change limits, ban and disconnect.</summary>
    public string[] OperateGroups { get; set; } = [];

    /// <summary>Users who may do all.</summary>
    public string[] AdminUsers { get; set; } = [];

    /// <summary>Groups whose members may do all.</summary>
    public string[] AdminGroups { get; set; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => SocketRoles.Check(this);
}
