"""user.* and group.*: as whom. Source: the task's credentials; names by the container's own passwd and group."""

from runtime_monitor.rules.fields.field import Type, plain

FIELDS = (
    plain("user.uid", "user.uid", Type.NUMBER, "Effective user id in the container."),
    plain("user.name", "user.name", Type.STRING, "Name of the user in the container."),
    plain("user.login_uid", "user.loginuid", Type.NUMBER, "User id at login, -1 without a login."),
    plain("user.login_name", "user.loginname", Type.STRING, "Name of the user at login."),
    plain("user.gid", "group.gid", Type.NUMBER, "Effective group id in the container."),
    plain("user.group", "group.name", Type.STRING, "Name of the group in the container."),
)
